"""A batch of records on its way through one database transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from runtime.delivery import Delivery, Output, RawRecord
from runtime.quarantine import QuarantineState, Setback


@dataclass
class Batch:
    """What is known of each record of a batch; in the end each is in exactly one of four lists."""

    raws: Sequence[RawRecord]
    deliveries: list[Delivery] = field(default_factory=list)  #: applied
    duplicates: list[Delivery] = field(default_factory=list)  #: applied before
    setbacks: list[Setback] = field(default_factory=list)  #: quarantined or parked
    known: list[RawRecord] = field(default_factory=list)  #: quarantined or parked before, delivered again
    #: outputs by causing event, in order of consumption
    outputs: dict[str, Sequence[Output]] = field(default_factory=dict)
    #: the quarantine row that a record, by its place, is driven again for
    retried: dict[int, str] = field(default_factory=dict)
    batch_id: int | None = None
    _raw_by_delivery: dict[int, RawRecord] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._places = {id(raw): place for place, raw in enumerate(self.raws)}

    def decoded(self, delivery: Delivery, raw: RawRecord) -> Delivery:
        """Note which record a delivery was decoded from."""
        self._raw_by_delivery[id(delivery)] = raw
        return delivery

    def raw_of(self, delivery: Delivery) -> RawRecord:
        """Return the record a delivery was decoded from."""
        return self._raw_by_delivery[id(delivery)]

    def place_of(self, raw: RawRecord) -> int:
        """Return where in the batch a record was consumed."""
        return self._places[id(raw)]

    def row_of(self, raw: RawRecord) -> str | None:
        """Return the quarantine row that a record is driven again for, if it is."""
        return self.retried.get(self.place_of(raw))

    def set_back(self, delivery: Delivery, reason: str, state: QuarantineState, error_at: str | None = None) -> None:
        """Note that a decoded record is not applied."""
        self.set_back_raw(self.raw_of(delivery), reason, state, event_id=delivery.event_id, error_at=error_at)

    def set_back_raw(
        self,
        raw: RawRecord,
        reason: str,
        state: QuarantineState = QuarantineState.QUARANTINED,
        *,
        event_id: str | None = None,
        error_at: str | None = None,
    ) -> None:
        """Note that a record is not applied."""
        self.setbacks.append(
            Setback(raw=raw, reason=reason, state=state, event_id=event_id, error_at=error_at, row_id=self.row_of(raw))
        )

    def in_order(self) -> list[Setback]:
        """Return the setbacks in the order in which their records were consumed."""
        return sorted(self.setbacks, key=lambda setback: self.place_of(setback.raw))

    def closed_rows(self) -> list[str]:
        """Return the quarantine rows whose records are applied now."""
        if not self.retried:
            return []
        applied = (self.row_of(self.raw_of(d)) for d in (*self.deliveries, *self.duplicates))
        return [row for row in applied if row is not None]
