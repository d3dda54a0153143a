"""Drive a pipeline through its old inputs: applied as ever, but nothing is produced, as it is on the topics already."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from baton.rebuild.staged import Plan, Staged
from runtime.application import Application
from runtime.batch import Batch
from runtime.delivery import RawRecord
from runtime.inbox import Inbox
from runtime.pipeline import Pipeline
from runtime.quarantine import Quarantine, QuarantineState, Setback
from schemas.codec import Codec
from schemas.event import Event

INSTANCE = "rebuild"
#: a record that was taken, has no announced effect and would have one wherever it stands: it waited in quarantine
NOT_ANNOUNCED = "effect_not_announced"


@dataclass
class Driven:
    """What driving a pipeline came to."""

    inputs: int = 0
    applied: int = 0
    set_back: int = 0
    #: inputs whose effects are on no topic
    left_out: list[str] = field(default_factory=list)
    #: inputs that were decided in another way than the topics tell
    different: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Driver:
    """Applies inputs to the new tables in steps and compares what they cause with what was announced."""

    def __init__(
        self,
        pipeline: Pipeline,
        connection: psycopg.Connection,
        codec: Codec,
        at: datetime,
        *,
        announces: type[Event] | None,
    ) -> None:
        # what was parked and taken later was taken; the topics tell
        pipeline.parks_by_key = False
        self._connection, self._codec, self._at, self._announces = connection, codec, at, announces
        self._application = Application(pipeline, codec, INSTANCE)
        self._inbox = Inbox(pipeline.service, INSTANCE)
        self._quarantine = Quarantine(pipeline.service)
        self._published: list[int] = []
        self.driven = Driven()

    def take(self, raws: Sequence[RawRecord]) -> None:
        """Apply records in order, whatever they cause."""
        with self._connection.transaction():
            self._count(self._apply(raws))

    def step(self, plan: Plan, *, keeps_left_out: bool) -> None:
        """Apply a plan; what it leaves out can go to quarantine, so that it is not forgotten."""
        while True:
            order = plan.order()
            with self._connection.transaction() as transaction:
                batch = self._apply([staged.raw for staged in order])
                unannounced = self._unannounced(order, batch)
                if unannounced:
                    raise psycopg.Rollback(transaction)
                self._count(batch)
                self._set_aside(plan.left_out, keeps=keeps_left_out)
            if not unannounced:
                self.driven.different += [one.name for one in order if one.effects and not self._is_same(one, batch)]
                return
            for staged in unannounced:
                plan.put_off(staged)

    def finish(self) -> None:
        """Note that nothing of this waits to be produced."""
        with self._connection.transaction():
            self._inbox.mark_published(self._connection, self._published)

    def _apply(self, raws: Sequence[RawRecord]) -> Batch:
        return self._application.apply(self._connection, raws, positions={}, published=self._published, at=self._at)

    def _count(self, batch: Batch) -> None:
        self._published = [] if batch.batch_id is None else [batch.batch_id]
        self.driven.inputs += len(batch.raws)
        self.driven.applied += len(batch.deliveries)
        self.driven.set_back += len(batch.setbacks)

    def _unannounced(self, order: Iterable[Staged], batch: Batch) -> list[Staged]:
        first: dict[str, Staged] = {}
        for staged in order:
            if not staged.effects and self._outputs(staged, batch):
                first.setdefault(staged.lane, staged)
        return list(first.values())

    def _is_same(self, staged: Staged, batch: Batch) -> bool:
        outputs = self._outputs(staged, batch)
        if outputs == list(staged.effects):
            return True
        # other bytes may say the same, under an older schema
        return [self._decoded(one) for one in outputs] == [self._decoded(one) for one in staged.effects]

    def _outputs(self, staged: Staged, batch: Batch) -> list[bytes]:
        topic = None if self._announces is None else self._announces.schema_name
        outputs = batch.outputs.get(staged.event_id or "", ())
        return [output.value for output in outputs if output.topic == topic]

    def _decoded(self, value: bytes) -> Event:
        assert self._announces is not None  # noqa: S101 - it was announced
        return self._codec.decode(self._announces, value)

    def _set_aside(self, left_out: Sequence[Staged], *, keeps: bool) -> None:
        self.driven.left_out += [staged.name for staged in left_out]
        if keeps:
            state = QuarantineState.QUARANTINED
            setbacks = [
                Setback(raw=one.raw, reason=NOT_ANNOUNCED, state=state, event_id=one.event_id) for one in left_out
            ]
            self._quarantine.add(self._connection, setbacks, self._at)
