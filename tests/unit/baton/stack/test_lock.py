import os
from pathlib import Path

import pytest

from baton.stack.lock import HomeLock, StackAlreadyRunning, holder


def test_holder_is_named_while_the_lock_is_held(tmp_path: Path) -> None:
    with HomeLock(tmp_path / "lock"):
        during = holder(tmp_path / "lock")

    assert during == os.getpid()
    assert holder(tmp_path / "lock") is None


def test_second_holder_is_refused(tmp_path: Path) -> None:
    with (
        HomeLock(tmp_path / "lock"),
        pytest.raises(StackAlreadyRunning, match=str(os.getpid())),
        HomeLock(tmp_path / "lock"),
    ):
        pass


def test_left_over_file_names_nobody(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("1")

    assert holder(tmp_path / "lock") is None
    assert holder(tmp_path / "absent") is None
