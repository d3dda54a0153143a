"""A program that writes a file bit by bit: at once when told on its input, or with pauses of its own."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    """Write the file named on the command line; its bits come as hexadecimal words."""
    parser = argparse.ArgumentParser()
    parser.add_argument("path")
    parser.add_argument("bits", nargs="+")
    parser.add_argument("--pause", type=float, default=None)
    parser.add_argument("--reopen", action="store_true")
    told = parser.parse_args()
    file = open(told.path, "ab", buffering=0)  # noqa: SIM115 - it stays open on purpose
    for number, bits in enumerate(told.bits):
        if number and told.pause is None:
            sys.stdin.readline()
        elif number:
            time.sleep(told.pause)
        if told.reopen:
            file.close()
            file = open(told.path, "ab", buffering=0)  # noqa: SIM115 - as above
        file.write(bytes.fromhex(bits))
        if told.reopen:
            file.close()
        sys.stdout.write("written\n")
        sys.stdout.flush()
    if told.pause is None:
        sys.stdin.readline()


class SlowWriter:
    """A slow writer as a process of its own."""

    def __init__(self, path: Path, *bits: bytes, pause_s: float | None = None, is_reopening: bool = False) -> None:
        options = [] if pause_s is None else ["--pause", str(pause_s)]
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(path), *(one.hex() for one in bits), *options] + ["--reopen"] * is_reopening,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def written(self) -> None:
        """Return when the next bit is written."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"written\n"

    def go_on(self) -> None:
        """Let it write the next bit, or end after the last one."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()

    def finish(self) -> None:
        """Let it end and wait for that."""
        self.go_on()
        assert self._process.wait(120) == 0
        self.kill()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()


if __name__ == "__main__":
    os.umask(0)
    main()
