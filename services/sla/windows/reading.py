"""A Faust application that reads what is committed and nothing else, from where it was committed.

With `at_least_once` Faust would also deliver records of aborted transactions. And while partitions are assigned and
tables rebuilt, it fetches signals that it then throws away, or lets them through before it has sought the committed
offsets. So here signals rest until that was done, no fetch is under way meanwhile, and a partition that has no
committed offset yet is read again from its beginning.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import faust
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport

from services.sla.settings import WindowsSettings
from services.sla.windows.changelogs import APP

SESSION_TIMEOUT_S = 8.0
HEARTBEAT_S = 2.0


class _ReadCommittedThread(AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        return consumer


class _ReadCommittedConsumer(Consumer):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        #: partitions of the source that may go on as soon as their offsets were sought
        self._resting: set[Any] = set()
        self._fetching = asyncio.Lock()

    def _new_consumer_thread(self) -> Any:
        return _ReadCommittedThread(self, loop=self.loop, beacon=self.beacon)

    async def _getmany(self, active_partitions: Any, timeout: float) -> Any:
        async with self._fetching:
            # a copy: of a set that is emptied meanwhile, as all partitions are paused, the client makes: fetch any
            return await super()._getmany(set(active_partitions), timeout)

    def pause_partitions(self, tps: Iterable[Any]) -> None:
        self._resting.difference_update(tps)
        super().pause_partitions(tps)

    def resume_partitions(self, tps: Iterable[Any]) -> None:
        sources = {tp for tp in tps if self._is_source(tp)}
        self._resting |= sources
        super().resume_partitions(set(tps) - sources)

    async def perform_seek(self) -> None:
        async with self._fetching:
            await super().perform_seek()
            rested, self._resting = self._resting, set()
            super().resume_partitions(rested)

    async def seek_to_committed(self) -> Any:
        offsets: Mapping[Any, int | None] = await super().seek_to_committed()
        fresh = [tp for tp, offset in offsets.items() if offset is None and self._is_source(tp)]
        if fresh:
            await self._thread.seek_to_beginning(*fresh)
        return offsets

    def _is_source(self, tp: Any) -> bool:
        return tp.topic not in self.app.tables.changelog_topics


class _ReadCommittedTransport(Transport):
    Consumer = _ReadCommittedConsumer


class ReadCommittedApp(faust.App):
    """A Faust application whose consumer skips aborted and waits for open transactions."""

    def _new_transport(self) -> Any:
        return _ReadCommittedTransport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """Leave no folder behind: tables in memory need none."""


def make_app(settings: WindowsSettings, *, partitions: int) -> ReadCommittedApp:
    """Return the application with every setting that its defaults would get wrong."""
    return ReadCommittedApp(
        f"{settings.topic_prefix}{APP}",
        broker=[f"kafka://{address}" for address in settings.kafka_bootstrap_servers.split(",")],
        broker_client_id=f"{settings.topic_prefix}{APP}-{settings.instance}",
        broker_session_timeout=SESSION_TIMEOUT_S,
        broker_heartbeat_interval=HEARTBEAT_S,
        broker_commit_interval=1.0,
        consumer_group_instance_id=f"{APP}-{settings.instance}",
        consumer_auto_offset_reset="earliest",
        processing_guarantee="at_least_once",
        producer_acks=-1,
        store="memory://",
        table_standby_replicas=0,
        topic_partitions=partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        key_serializer="raw",
        value_serializer="raw",
        web_enabled=False,
        autodiscover=False,
    )
