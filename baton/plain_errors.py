"""What a person is told when a file or a part of the deployment is not there, whichever library found out."""

from collections.abc import Mapping
from typing import Any

#: by the full name of the exception, so that a command that never meets one need not bring its library in
PARTS: Mapping[str, str] = {
    "psycopg.OperationalError": "the database",
    "sqlalchemy.exc.OperationalError": "the database",
    "cimpl.KafkaException": "the broker",
    "httpx2.TransportError": "the schema registry",
}


def plain_words(error: Exception) -> str | None:
    """Tell in one line which file or part is the trouble; None for anything else, which is a mistake of ours."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)
    part = next((PARTS[name] for name in names if name in PARTS), None)
    # an answer with a state is an answer; what it is about may be quoted in it
    if part is None or _state_of(error) is not None:
        return None
    return f"{part} does not answer: {_reason(error)}"


def _state_of(error: Exception) -> object:
    return getattr(getattr(error, "orig", error), "sqlstate", None)


def _reason(error: Exception) -> str:
    original = getattr(error, "orig", error)
    told: Any = original.args[0] if original.args else ""
    # the broker's client wraps its reason
    text = str(told.str() if hasattr(told, "str") else told)
    return text.partition("\n")[0].strip() or type(error).__name__
