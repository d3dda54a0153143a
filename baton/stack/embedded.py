"""The infrastructure of a stack for a test run: broker, registry and database, and nothing else."""

import os
from collections.abc import Mapping
from types import TracebackType

from baton.stack import control
from baton.stack.addresses import Addresses
from baton.stack.paths import StackHome


class EmbeddedStack:
    """Run the infrastructure for as long as the block lasts; it ends with this process, too."""

    def __init__(self, home: StackHome, environment: Mapping[str, str] | None = None) -> None:
        self._home = home
        self._environment = os.environ if environment is None else environment

    def __enter__(self) -> Addresses:
        arguments = ("--infrastructure-only",)
        self._supervisor = control.launch(self._home, self._environment, arguments, ends_with_caller=True)
        try:
            *_, record = control.progress(self._home, self._supervisor)
        except BaseException:
            self._supervisor.end()
            raise
        return record.addresses

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._supervisor.end()
