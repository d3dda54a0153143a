"""Signals are read from where they were committed, whatever is fetched while partitions are assigned."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from faust.types import TP

from runtime.settings import Environment
from services.sla.settings import WindowsSettings
from services.sla.windows.reading import make_app

SIGNALS, FRESH, CHANGELOG = TP("sla.signalled.v1", 0), TP("sla.signalled.v1", 1), TP("sla-windows-untold-changelog", 0)
T = TypeVar("T")


class Client:
    """Stands for the client in its thread: notes what it is asked for."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self.readable_while_seeking: set[TP] = set()
        self.from_the_beginning: tuple[TP, ...] = ()
        self.wanted: set[TP] = set()
        self.answers = asyncio.Event()
        self.log: list[str] = []

    async def seek_to_committed(self) -> dict[TP, int | None]:
        self.log.append("seek")
        self.readable_while_seeking |= self._consumer._get_active_partitions()
        return {SIGNALS: 7, FRESH: None, CHANGELOG: None}

    async def seek_to_beginning(self, *partitions: TP) -> None:
        self.from_the_beginning += partitions

    async def getmany(self, active_partitions: set[TP], timeout: float) -> dict[TP, list[Any]]:
        self.wanted = active_partitions
        await self.answers.wait()
        self.log.append("fetched")
        return {}


def with_assigned(play: Callable[[Any, Client], Awaitable[T]]) -> T:
    """Play with a consumer as it is when partitions were assigned and their tables are to be rebuilt."""
    settings = WindowsSettings(
        kafka_bootstrap_servers="127.0.0.1:9",
        schema_registry_url="http://127.0.0.1:9",
        database_url="postgresql://127.0.0.1:9/none",
        baton_environment=Environment.TEST,
    )

    async def run() -> T:
        app = make_app(settings, partitions=2)
        app.Table("untold", partitions=2)
        consumer: Any = app.consumer
        consumer._thread.thread_loop.close()
        consumer._thread = client = Client(consumer)
        consumer._set_active_tps({SIGNALS, FRESH, CHANGELOG})
        consumer.pause_partitions({SIGNALS, FRESH, CHANGELOG})
        return await play(consumer, client)

    return asyncio.run(run())


def test_signals_rest_until_their_offsets_were_sought() -> None:
    async def play(consumer: Any, client: Client) -> None:
        consumer.resume_partitions({SIGNALS, FRESH})
        await consumer.perform_seek()
        assert client.readable_while_seeking == set()
        assert consumer._get_active_partitions() == {SIGNALS, FRESH}

    with_assigned(play)


def test_the_changelog_is_read_at_once() -> None:
    async def play(consumer: Any, client: Client) -> None:
        consumer.resume_partitions({CHANGELOG})
        assert consumer._get_active_partitions() == {CHANGELOG}

    with_assigned(play)


def test_signals_that_were_paused_again_do_not_go_on() -> None:
    async def play(consumer: Any, client: Client) -> None:
        consumer.resume_partitions({SIGNALS})
        consumer.pause_partitions({SIGNALS})
        await consumer.perform_seek()
        assert consumer._get_active_partitions() == set()

    with_assigned(play)


def test_signals_without_a_committed_offset_are_read_from_the_beginning() -> None:
    async def play(consumer: Any, client: Client) -> None:
        await consumer.perform_seek()
        assert client.from_the_beginning == (FRESH,)

    with_assigned(play)


def test_a_fetch_under_way_is_not_widened_by_a_pause_and_ends_before_the_seek() -> None:
    async def play(consumer: Any, client: Client) -> None:
        consumer.resume_partitions({CHANGELOG})
        fetch = asyncio.create_task(consumer._getmany(consumer._get_active_partitions(), 1.0))
        await asyncio.sleep(0)
        consumer.pause_partitions({CHANGELOG})
        consumer.resume_partitions({SIGNALS})
        seek = asyncio.create_task(consumer.perform_seek())
        await asyncio.sleep(0)
        client.answers.set()
        await asyncio.gather(fetch, seek)
        # of an empty set the client makes: fetch any
        assert client.wanted == {CHANGELOG}
        assert client.log == ["fetched", "seek"]

    with_assigned(play)
