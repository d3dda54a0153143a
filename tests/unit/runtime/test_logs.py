"""Logs tell ids, kinds and places, never what an error quotes."""

import json
import subprocess
import sys
from typing import Any

from runtime.logs import place_of

CANARY = "Zyxwv Canary 1957-03-14"
BEGIN = f"""
import logging, structlog
from runtime.logs import configure_logs
configure_logs(service="relay", instance="3", level="info")
log = structlog.get_logger()
def failing():
    raise ValueError({CANARY!r})
"""


def told_by(program: str) -> tuple[str, list[dict[str, Any]]]:
    """Run a program and return what it wrote, as text and line by line."""
    done = subprocess.run([sys.executable, "-c", BEGIN + program], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr, [json.loads(line) for line in done.stderr.splitlines()]


def test_an_error_is_logged_by_kind_and_place_only() -> None:
    text, (entry,) = told_by(
        """
try:
    failing()
except ValueError as error:
    log.warning("record_quarantined", error=error, event_id="e-1")
"""
    )

    assert CANARY not in text
    assert (entry["event"], entry["event_id"], entry["error_type"]) == ("record_quarantined", "e-1", "ValueError")
    assert entry["error_at"] == "__main__:7"
    assert (entry["service"], entry["instance"], entry["level"]) == ("relay", "3", "warning")


def test_what_libraries_log_is_not_repeated() -> None:
    text, entries = told_by(
        f"""
logging.getLogger("driver").warning("could not parse %s", {CANARY!r})
try:
    failing()
except ValueError:
    logging.getLogger("driver").exception({CANARY!r})
"""
    )

    assert CANARY not in text
    assert [entry["event"] for entry in entries] == ["driver", "driver"]


def test_levels_below_the_setting_are_silent() -> None:
    assert told_by("log.debug('detail')") == ("", [])


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert place_of(ValueError(CANARY)) is None
