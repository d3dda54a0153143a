"""Structured logs: one JSON object a line, an event name and ids, never content."""

import logging
import sys

import structlog


def configure_logs(*, service: str, instance: str, level: str) -> None:
    """Send every log of the process to standard error as JSON lines."""
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format='{"event": "%(name)s", "level": "%(levelname)s"}'
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _error_class_only,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service, instance=instance)


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
