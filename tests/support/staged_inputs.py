"""Builders of staged inputs."""

from datetime import UTC, datetime, timedelta

from baton.rebuild.staged import Staged
from runtime.delivery import RawRecord

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def staged(
    name: str,
    *,
    topic: str = "commands",
    partition: int = 0,
    offset: int,
    at_s: float = 0,
    place: int = 0,
    announced_at: tuple[int, int] | None = None,
    lane: str = "one",
) -> Staged:
    """Return an input; one with a place had effects."""
    raw = RawRecord(
        topic=topic,
        partition=partition,
        offset=offset,
        key=b"k",
        value=b"v",
        headers=(),
        recorded_at=START + timedelta(seconds=at_s),
    )
    effects = (b"effect",) if place or announced_at else ()
    return Staged(raw=raw, event_id=name, lane=lane, effects=effects, place=place, announced_at=announced_at)


def names(inputs: list[Staged]) -> str:
    """Return the names of inputs in their order."""
    return " ".join(one.event_id or "" for one in inputs)
