"""The stager's step on a real Postgres, without a broker, in processes that die where it hurts."""

from collections.abc import Sequence
from enum import StrEnum

from runtime.application import Application
from runtime.batch import Batch
from runtime.delivery import Output, RawRecord
from runtime.inbox import Inbox, is_passed
from runtime.postgres import connect
from schemas.codec import Codec
from schemas.topics import key_of
from services.stager.pipeline import SERVICE, Stager
from services.stager.rules.transitions import Input
from tests.support.real_stager import recorded_at, settings_of
from tests.support.schema_ids import RememberedSchemas
from tests.support.stager import FRIDAY, rulebook

KEPT = ("referral", "stage_history", "task", "document", "command", "automation_log", "inbox", "outbox", "batch")


class Fate(StrEnum):
    """When the process that takes a step dies."""

    LIVES = "lives"
    BEFORE_COMMIT = "before_commit"  #: nothing may remain of the step
    AFTER_COMMIT = "after_commit"  #: decided and never said; the records come again
    AFTER_PUBLISHING = "after_publishing"  #: said, and nobody noted that it was


class MortalStager:
    """Takes steps as the exactly-once loop does; the topics and the group's offsets are lists in memory."""

    def __init__(self, database_url: str, *, instance: str) -> None:
        self._settings = settings_of(database_url)
        self._instance = instance
        self.codec = Codec(RememberedSchemas())
        self.said: list[Output] = []
        self._decided: dict[str, Sequence[Output]] = {}
        self._ends: dict[str, int] = {}
        self._committed: dict[tuple[str, int], int] = {}
        self._again: list[RawRecord] = []
        self._live()

    @property
    def owes(self) -> bool:
        """Whether something was decided and not said yet."""
        return bool(self._again)

    def record(self, event: Input) -> RawRecord:
        """Put an input on its topic."""
        topic = event.schema_name
        self._ends[topic] = offset = self._ends.get(topic, -1) + 1
        value = self.codec.encode(event)
        return RawRecord(topic, 0, offset, key_of(event).encode(), value, (), recorded_at(event))

    def step(self, new: Sequence[RawRecord], fate: Fate) -> None:
        """Take what is new, and before it what comes again."""
        raws = late(self._again, new)
        if not raws:
            return
        if fate is Fate.BEFORE_COMMIT:
            self._die_before_commit(raws)
        batch = self._apply(raws)
        assert not batch.setbacks
        self._remember(batch)
        if fate is Fate.AFTER_COMMIT:
            self._again = raws
        else:
            self._publish(batch, raws)
        if fate is not Fate.LIVES:
            self.die()
            self._live()

    def die(self) -> None:
        """End the process; what its connection did not commit is lost."""
        self.connection.close()

    def contents(self) -> dict[str, list[str]]:
        """Return all rows of the stager's tables."""
        with self.connection.transaction():
            return {
                name: [
                    row
                    for (row,) in self.connection.execute(f"SELECT t::text FROM stager.{name} t ORDER BY 1".encode())
                ]
                for name in KEPT
            }

    def _live(self) -> None:
        self.connection = connect(self._settings, role=SERVICE)
        self._application = Application(Stager(rulebook(), instance=self._instance), self.codec, self._instance)
        self._published: list[int] = []
        inbox = Inbox(SERVICE, self._instance)
        with self.connection.transaction():
            steps = inbox.unpublished_steps(self.connection)
            passed = [step for step, positions in steps.items() if is_passed(positions, self._committed)]
            inbox.mark_published(self.connection, passed)

    def _apply(self, raws: Sequence[RawRecord]) -> Batch:
        with self.connection.transaction():
            return self._application.apply(
                self.connection, raws, positions=_positions(raws), published=self._published, at=FRIDAY
            )

    def _die_before_commit(self, raws: Sequence[RawRecord]) -> None:
        before = self.contents()
        # a statement opens the transaction that nobody will ever end
        self._application.apply(self.connection, raws, positions=_positions(raws), published=self._published, at=FRIDAY)
        self.die()
        self._live()
        after = self.contents()
        # the successor may note what is on the topics
        assert {**after, "batch": len(after["batch"])} == {**before, "batch": len(before["batch"])}

    def _remember(self, batch: Batch) -> None:
        """Whatever is said of an input, whenever it is said, is what was decided when it first came."""
        for event_id, outputs in batch.outputs.items():
            assert list(self._decided.setdefault(event_id, list(outputs))) == list(outputs)

    def _publish(self, batch: Batch, raws: Sequence[RawRecord]) -> None:
        self.said += [output for outputs in batch.outputs.values() for output in outputs]
        self._committed |= _positions(raws)
        self._again = []
        assert batch.batch_id is not None
        self._published = [batch.batch_id]


def late(again: Sequence[RawRecord], new: Sequence[RawRecord]) -> list[RawRecord]:
    """Return records that come again among new ones: each topic in its order, and else as late as can be."""
    waiting, ordered = list(again), []
    for raw in new:
        ordered += [one for one in waiting if one.topic == raw.topic]
        waiting = [one for one in waiting if one.topic != raw.topic]
        ordered.append(raw)
    return ordered + waiting


def _positions(raws: Sequence[RawRecord]) -> dict[tuple[str, int], int]:
    return {(raw.topic, raw.partition): max(one.offset for one in raws if one.topic == raw.topic) + 1 for raw in raws}
