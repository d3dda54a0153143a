"""Get Java, Maven and the Java archives, for `make setup`: it runs before any package is installed."""

import asyncio
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from baton.stack.downloads import downloads_in, fetch
from baton.stack.paths import cache_from
from baton.stack.process import CommandFailed
from baton.stack.toolchain import ToolMissing, ensure_toolchain


def main() -> None:
    """Fetch what is missing; what cannot be had is said in a line and stops nothing.

    A stack whose parts are all elsewhere needs none of it, and `baton up` says it again otherwise.
    """
    try:
        tools = ensure_toolchain(_say)
        downloads = downloads_in(cache_from(os.environ))
        if not downloads.is_complete():
            _say("fetching the broker and the registry")
        with TemporaryDirectory() as folder:
            log = Path(folder) / "maven.log"
            asyncio.run(fetch(downloads, maven=tools.maven, log=log, environment=dict(os.environ)))
    except (ToolMissing, CommandFailed) as failure:
        _say(str(failure))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
