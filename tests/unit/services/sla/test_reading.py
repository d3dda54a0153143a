"""No signal is let through before it is known how far signals were read."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from faust.types import TP

from runtime.settings import Environment
from services.sla.settings import WindowsSettings
from services.sla.windows.reading import make_app

SIGNALS, CHANGELOG = TP("sla.signalled.v1", 0), TP("sla-windows-untold-changelog", 0)


@contextmanager
def assigned() -> Iterator[Any]:
    """A consumer as it is when partitions were assigned and their tables are to be rebuilt."""
    settings = WindowsSettings(
        kafka_bootstrap_servers="127.0.0.1:9",
        schema_registry_url="http://127.0.0.1:9",
        database_url="postgresql://127.0.0.1:9/none",
        baton_environment=Environment.TEST,
    )
    app = make_app(settings, partitions=1)
    app.Table("untold", partitions=1)
    consumer: Any = app.consumer
    consumer._set_active_tps({SIGNALS, CHANGELOG})
    consumer.pause_partitions({SIGNALS, CHANGELOG})
    yield consumer
    consumer._thread.thread_loop.close()


def readable_during_and_after_seek(prepare: Callable[[Any], None]) -> tuple[set[TP], set[TP]]:
    async def play() -> tuple[set[TP], set[TP]]:
        during: set[TP] = set()
        with assigned() as consumer:

            async def answer_of_the_broker() -> dict[TP, int]:
                during.update(consumer._get_active_partitions())
                return {SIGNALS: 7}

            consumer.seek_to_committed = answer_of_the_broker
            prepare(consumer)
            await consumer.perform_seek()
            return during, set(consumer._get_active_partitions())

    return asyncio.run(play())


def test_signals_rest_until_their_committed_offset_was_sought() -> None:
    during, after = readable_during_and_after_seek(lambda consumer: consumer.resume_partitions({SIGNALS}))

    assert during == set()
    assert after == {SIGNALS}


def test_the_changelog_is_read_at_once() -> None:
    during, _ = readable_during_and_after_seek(lambda consumer: consumer.resume_partitions({CHANGELOG}))

    assert during == {CHANGELOG}


def test_signals_that_were_paused_again_do_not_go_on() -> None:
    def prepare(consumer: Any) -> None:
        consumer.resume_partitions({SIGNALS})
        consumer.pause_partitions({SIGNALS})

    _, after = readable_during_and_after_seek(prepare)

    assert after == set()
