"""A reader process for tests: it hangs, dies or fails when the message says so."""

import os
import signal
import sys
import threading
from collections.abc import Iterator

from services.intake.extraction.field_names import FieldName
from services.intake.extraction.findings import FileRole, Finding, FoundFile, FoundText, Part
from services.intake.extraction.reader_process import serve
from services.intake.extraction.wire import ReadRequest


def read(request: ReadRequest) -> Iterator[Finding]:
    order = request.files[0][1].decode()
    yield FoundFile(content_type="application/pdf", role=FileRole.ATTACHMENT, data=b"%PDF found before", size=17)
    yield FoundText(part=Part.MESSAGE, fields={FieldName.PATIENT_NAME: "Jane Roe"}, note=f"process {os.getpid()}")
    if order == "hang":
        threading.Event().wait()
    elif order == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif order == "fail":
        raise ValueError(order)
    elif order == "eat":
        yield FoundText(part=Part.MESSAGE, note="x" * len(bytearray(1 << 40)))
    elif order == "flood":
        while True:
            yield FoundText(part=Part.MESSAGE, note="more and more")
    elif order == "print":
        sys.stdout.write("a library that talks\n")
        sys.stdout.flush()
    elif order == "garble":
        os.write(_answers_of_this_process(), b"\xff" * 100)
        threading.Event().wait()


def _answers_of_this_process() -> int:
    # requests and answers were moved to the first free numbers
    return 4


if __name__ == "__main__":
    serve(read, memory_bytes=int(sys.argv[1]), time_limit_s=float(sys.argv[2]))
