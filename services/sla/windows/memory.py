"""What the windows remember, in Faust tables that are rebuilt from their changelogs."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

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
    """Facts by key in one Faust table; a fact can be deleted outside of a stream.

    Faust writes a deletion to the partition of the event in hand, and in a timer there is none; so the partition is
    kept with the fact.
    """

    def __init__(self, app: Any, table: Table, *, partitions: int) -> None:
        self._table = app.Table(table.value, partitions=partitions, key_serializer="json", value_serializer="json")

    def put(self, key: str, row: Row, *, partition: int) -> None:
        """Remember a fact; again is the same."""
        row = {**row, "partition": partition}
        self._table.data[key] = row
        self._table.send_changelog(partition, key, row)

    def forget(self, keys: Iterable[str]) -> None:
        """Forget facts."""
        for key in keys:
            row = self._table.data.pop(key, None)
            if row is not None:
                self._table.send_changelog(row["partition"], key, None, value_serializer="raw")

    def get(self, key: str) -> Row | None:
        """Return a fact."""
        row: Row | None = self._table.data.get(key)
        return row

    def items(self) -> Iterator[tuple[str, Row]]:
        """Iterate over all facts of the partitions at hand."""
        return iter(list(self._table.data.items()))


def signal_row(signal: TakenSignal, *, seen_at: datetime) -> Row:
    """Return a signal as it is written into a changelog."""
    return {
        "referral_id": signal.referral_id,
        "network_id": signal.network_id,
        "clinic_id": signal.clinic_id,
        "stage": signal.stage.value,
        "queue": signal.queue,
        "kind": signal.kind.value,
        "fires_at": signal.fires_at.isoformat(),
        "seen_at": seen_at.timestamp(),
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
