"""What the windows remember, in Faust tables that are rebuilt from their changelogs."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

import orjson

from schemas.vocabulary import SignalKind, Stage
from services.sla.rules.bundling import TakenSignal
from services.sla.rules.storms import Storm
from services.sla.windows.changelogs import Table

Row = dict[str, Any]
#: a stage of a clinic
Place = tuple[str, str, str]
#: storms are written by the timer, which stands in no partition
STORM_PARTITION = 0


class FactTable:
    """Facts by key in one Faust table.

    Its changelog is written here and not by Faust, for two reasons. Faust writes a deletion to the partition of the
    event in hand, and in a timer there is none; so the partition is kept with the fact. And Faust hands writes to a
    buffer whose flush before a commit gives up after 100 ms, so that offsets could get ahead of the changelog; here
    every write is with the Kafka producer, whose flush waits, before the event is done.
    """

    def __init__(self, app: Any, table: Table, *, partitions: int, on_failure: Callable[[BaseException], None]) -> None:
        self._app = app
        self._table = app.Table(table.value, partitions=partitions)
        self._on_failure = on_failure

    async def put(self, key: str, row: Row, *, partition: int) -> None:
        """Remember a fact; again is the same."""
        row = {**row, "partition": partition}
        self._table.data[key] = row
        await self._log(key, orjson.dumps(row), partition)

    async def forget(self, keys: Iterable[str]) -> None:
        """Forget facts."""
        for key in keys:
            row = self._table.data.pop(key, None)
            if row is not None:
                await self._log(key, None, row["partition"])

    async def _log(self, key: str, value: bytes | None, partition: int) -> None:
        topic = self._table.changelog_topic_name
        sent = await self._app.producer.send(topic, orjson.dumps(key), value, partition, None, None)
        sent.add_done_callback(self._check)

    def _check(self, sent: Any) -> None:
        error = None if sent.cancelled() else sent.exception()
        if error is not None:
            self._on_failure(error)

    def get(self, key: str) -> Row | None:
        """Return a fact."""
        row: Row | None = self._table.data.get(key)
        return row

    def items(self) -> Iterator[tuple[str, Row]]:
        """Iterate over all facts of the partitions at hand."""
        return iter(list(self._table.data.items()))


def signal_row(signal: TakenSignal, *, until: datetime) -> Row:
    """Return a signal as it is written into a changelog, with the end of its use."""
    return {
        "referral_id": signal.referral_id,
        "network_id": signal.network_id,
        "clinic_id": signal.clinic_id,
        "stage": signal.stage.value,
        "queue": signal.queue,
        "kind": signal.kind.value,
        "fires_at": signal.fires_at.isoformat(),
        "until": until.timestamp(),
    }


def signal_of_row(signal_id: str, row: Row) -> TakenSignal:
    """Return the signal of a row."""
    return TakenSignal(
        signal_id=signal_id,
        referral_id=row["referral_id"],
        network_id=row["network_id"],
        clinic_id=row["clinic_id"],
        stage=Stage(row["stage"]),
        queue=row["queue"],
        kind=SignalKind(row["kind"]),
        fires_at=datetime.fromisoformat(row["fires_at"]),
    )


def storm_row(storm: Storm) -> Row:
    """Return a storm as it is written into a changelog."""
    return {"started": storm.started.isoformat(), "until": storm.until.isoformat()}


def storm_of_row(row: Row) -> Storm:
    """Return the storm of a row."""
    return Storm(started=datetime.fromisoformat(row["started"]), until=datetime.fromisoformat(row["until"]))


def place_of(row: Row) -> Place:
    """Return the stage and clinic of a breach."""
    return row["network_id"], row["clinic_id"], row["stage"]
