"""Structured logs: one JSON object a line, an event name and ids, never content."""

import json
import logging
import sys

import structlog


def configure_logs(*, service: str, instance: str, level: str) -> None:
    """Send every log of the process to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_PlaceOnly())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _told_by(service, instance),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _error_class_only,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


class _PlaceOnly(logging.Formatter):
    """Tells of a library's log line where it comes from and what kind of error it holds, as its text may quote data."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its message and its traceback."""
        entry = {"event": record.name, "level": record.levelname.lower(), "at": f"{record.module}:{record.lineno}"}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            entry |= {"error_type": type(error).__name__, "error_at": place_of(error) or "?"}
        return json.dumps(entry)


def _told_by(service: str, instance: str) -> structlog.typing.Processor:
    # not as context variables: threads begin without those of the thread that started them
    def add(_logger: object, _method: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
        entry.update(service=service, instance=instance)
        return entry

    return add


def _error_class_only(_logger: object, _method: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
    # a driver's or parser's message may quote the data it failed on, so only the error's kind and place are logged
    error = entry.pop("error", None)
    if isinstance(error, BaseException):
        entry["error_type"] = type(error).__name__
        entry["error_at"] = place_of(error)
    return entry


def place_of(error: BaseException) -> str | None:
    """Return module:line of the innermost frame of an error, which is all that may be told of it."""
    trace = error.__traceback__
    if trace is None:
        return None
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
