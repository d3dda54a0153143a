"""The Faust worker around the room: records in, notices out, and its health."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog

from runtime import metrics
from runtime.clock import clock_of
from runtime.failpoints import EXIT_INTERNAL, failpoint
from runtime.health import Readiness
from runtime.kafka import make_admin
from runtime.process import end_at_once
from runtime.progress import Place, Progress
from runtime.registry import make_codec
from schemas.codec import Undecodable, cloudevents_headers
from schemas.events import NoticeRequested, SlaSignalled
from schemas.topics import key_of, topic_of
from services.sla.rules.storms import StormRule
from services.sla.settings import WindowsSettings
from services.sla.windows.changelogs import APP, Table, changelog_topics
from services.sla.windows.memory import FactTable
from services.sla.windows.reading import make_app
from services.sla.windows.room import Room, WindowRule

TELL_EVERY_S = 1.0
METADATA_TIMEOUT_S = 10.0

log = structlog.get_logger()


class ChangelogsMissing(Exception):
    """A changelog topic is missing or has other partitions than sla.signalled; run `baton topics apply`."""


class Worker:
    """One Faust application with its room."""

    def __init__(self, settings: WindowsSettings, readiness: Readiness, *, partitions: int) -> None:
        self.progress = Progress()
        self.app = make_app(settings, partitions=partitions)
        self._readiness = readiness
        self._codec = make_codec(settings)
        self._prefix = settings.topic_prefix
        self._taken, self._taken_before = 0, 0
        tables = {table: FactTable(self.app, table, partitions=partitions, on_failure=_end) for table in Table}
        self._room = Room(
            rule_of(settings),
            clock_of(settings.clock),
            self._send,
            tables,
        )
        source = self.app.topic(f"{self._prefix}{topic_of(SlaSignalled).name}", partitions=partitions)
        self.app.agent(source, name="windows")(self._take_all)
        self.app.timer(TELL_EVERY_S, name="tell")(self._tell)

    async def _reached(self) -> dict[Place, int]:
        source = topic_of(SlaSignalled).name
        consumer = self.app.consumer
        own = [tp for tp in consumer.assignment() if tp.topic == f"{self._prefix}{source}"]
        return {(source, tp.partition): await consumer.position(tp) or 0 for tp in own}

    async def _take_all(self, stream: Any) -> None:
        async for event in stream.events():
            await self._take(event.message)

    async def _take(self, message: Any) -> None:
        """Take one record; Faust would count an exception as done, so none leaves here."""
        self._taken += 1
        try:
            await self._room.take(self._codec.decode(SlaSignalled, message.value), partition=message.partition)
            metrics.WINDOW_SIGNALS.labels("taken").inc()
            failpoint("windows.after_take")
        except (Undecodable, ValueError) as error:
            # the stager reads the same record and keeps it in its quarantine
            metrics.WINDOW_SIGNALS.labels("unreadable").inc()
            log.warning("signal_unreadable", error=error, partition=message.partition, offset=message.offset)
        except Exception as error:  # noqa: BLE001 - nothing is acknowledged that was not taken
            _end(error)

    async def _tell(self) -> None:
        if self.app.rebalancing:
            self.progress.turned({})
            return
        await self._room.tell()
        failpoint("windows.after_tell")
        self._readiness.set_ready()
        self.progress.turned(await self._reached())
        if self._taken != self._taken_before:
            self.progress.committed()
        self._taken_before = self._taken

    async def _send(self, notices: Sequence[NoticeRequested], at: datetime) -> None:
        sent = [await self._start_sending(notice, at) for notice in notices]
        await asyncio.gather(*sent)
        failpoint("windows.after_send")
        for notice in notices:
            metrics.NOTICES_REQUESTED.labels(notice.kind).inc()

    async def _start_sending(self, notice: NoticeRequested, at: datetime) -> Any:
        return await self.app.producer.send(
            f"{self._prefix}{topic_of(NoticeRequested).name}",
            key_of(notice).encode(),
            self._codec.encode(notice),
            None,
            at.timestamp(),
            dict(cloudevents_headers(notice, source=APP, at=at, traceparent=None)),
        )


def _end(error: BaseException) -> None:
    log.error("process_ends_unexpectedly", error=error)
    end_at_once(EXIT_INTERNAL)


def rule_of(settings: WindowsSettings) -> WindowRule:
    """Return the rule that settings describe."""
    return WindowRule(
        length=settings.window,
        grace=settings.grace,
        storm=StormRule(breaches=settings.sla_storm_breaches, length=settings.storm_length),
    )


def partitions_of(settings: WindowsSettings) -> int:
    """Return how many partitions the signals have.

    Raises:
        ChangelogsMissing: a table would have no place for its changelog.
    """
    topics = make_admin(settings.kafka_bootstrap_servers).list_topics(timeout=METADATA_TIMEOUT_S).topics
    wanted = [f"{settings.topic_prefix}{topic_of(SlaSignalled).name}", *changelog_topics(settings.topic_prefix)]
    counts = {len(topics[name].partitions) if name in topics else 0 for name in wanted}
    if len(counts) != 1 or 0 in counts:
        raise ChangelogsMissing
    return counts.pop()
