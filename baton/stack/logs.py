"""Keep the log files of the stack small while their writers keep them open."""

import shutil
from pathlib import Path

LARGEST = 16 * 1024 * 1024
KEPT = 2


def rotate(folder: Path, *, largest: int = LARGEST) -> None:
    """Copy each log that has grown too large aside and empty it; its writer appends and does not notice."""
    for log in folder.glob("*.log"):
        if log.stat().st_size > largest:
            _shift(log)
            shutil.copyfile(log, _older(log, 1))
            with log.open("r+b") as file:
                file.truncate(0)


def _shift(log: Path) -> None:
    for age in range(KEPT - 1, 0, -1):
        if _older(log, age).exists():
            _older(log, age).replace(_older(log, age + 1))


def _older(log: Path, age: int) -> Path:
    return log.with_name(f"{log.name}.{age}")
