"""Wait until the supervisor is gone, however it went, and end what is left of its children.

The kernel already kills the children themselves. This reaches what they started, by their process groups.
It needs the standard library only and runs as a file of its own, with a pipe from the supervisor as
its input: `python -I -S guard.py STATE_FILE`.
"""

import contextlib
import json
import os
import signal
import sys
from pathlib import Path


def main(state_file: Path) -> None:
    """Wait for the end of the input, then kill every process group the state file still names."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 1):
        continue
    for part in json.loads(state_file.read_text())["parts"]:
        if part["pid"] is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(part["pid"], signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
