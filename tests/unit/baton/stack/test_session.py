import subprocess
import sys
import threading

from baton.stack.control import Launched
from baton.stack.session import EndOfStack


def test_stack_may_not_be_used_once_its_supervisor_is_gone() -> None:
    process = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(1000)"])
    end = EndOfStack(threading.Event(), Launched(process, 0))
    before = (end.is_set(), end.wait(0.0))

    process.kill()
    process.wait()

    assert before == (False, False)
    assert end.is_set()
    assert end.wait(0.0)


def test_stack_may_not_be_used_once_the_person_asked_for_its_end() -> None:
    asked = threading.Event()
    with subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(1000)"]) as process:
        end = EndOfStack(asked, Launched(process, 0))
        asked.set()
        assert end.is_set()
        assert end.wait(0.0)
        process.kill()
