"""How many inputs the stager applies in a second, in batches and one transaction each, with everything durable.

Both run the database half of the exactly-once step: decode, claim, decide, write, audit, encode, commit. They take
turns on one database, so that a slow moment of the machine slows both.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from baton.bench.figures import Figures, compared, percentile
from runtime.application import Application
from runtime.delivery import RawRecord
from runtime.postgres import connect
from runtime.settings import ServiceSettings
from schemas.codec import Codec
from schemas.event import Event
from schemas.events import ReferralCommanded, ReferralMatched
from schemas.ids import named_id, referral_id_of
from schemas.topics import key_of
from schemas.vocabulary import AppointmentStatus, Channel, CommandAction, MatchKind, MatchOutcome, Role, Stage
from services.stager.data_files import load_rulebook
from services.stager.pipeline import Stager

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
BATCH = 500
#: share of the inputs that goes through the baseline; it is that much slower
BASELINE_SHARE = 10
MOVES = (Stage.ELIGIBILITY, Stage.DOCUMENTATION, Stage.CLINICAL_REVIEW, Stage.READY_TO_SCHEDULE)
STEPS = len(MOVES) + 2


class LocalSchemaIds:
    """A registry in memory: the bench measures no network."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def id_of(self, subject: str, schema_text: str) -> int:
        """Return the id of a schema, known from now on."""
        if schema_text not in self._texts:
            self._texts.append(schema_text)
        return self._texts.index(schema_text) + 1

    def schema_text(self, schema_id: int) -> str:
        """Return the schema of an id."""
        return self._texts[schema_id - 1]


@dataclass
class Lane:
    """One way of applying inputs, and how long it took."""

    application: Application
    connection: psycopg.Connection
    batch: int
    records: int = 0
    seconds: float = 0.0
    published: tuple[int, ...] = ()

    def run(self, raws: Sequence[RawRecord], durations_ms: list[float]) -> None:
        """Apply records, a durable transaction per batch."""
        for start in range(0, len(raws), self.batch):
            part = raws[start : start + self.batch]
            began = time.perf_counter()
            self._step(part)
            took = time.perf_counter() - began
            durations_ms.append(took * 1000)
            self.seconds += took
        self.records += len(raws)

    @property
    def rate_per_s(self) -> float:
        """Records applied in a second."""
        return self.records / self.seconds

    def _step(self, raws: Sequence[RawRecord]) -> None:
        with self.connection.transaction():
            batch = self.application.apply(
                self.connection,
                raws,
                positions={(raw.topic, raw.partition): raw.offset + 1 for raw in raws},
                published=self.published,
                at=START,
            )
        if batch.setbacks or batch.duplicates or len(batch.deliveries) != len(raws):
            raise AssertionError("the bench's own inputs must all be applied")
        self.published = () if batch.batch_id is None else (batch.batch_id,)


def bench_stager(settings: ServiceSettings, *, records: int = 30_000) -> Figures:
    """Apply lives of new referrals to a migrated database, in batches and one by one by turns."""
    codec = Codec(LocalSchemaIds())
    application = Application(Stager(load_rulebook("standard"), instance="bench"), codec, "bench")
    durations_ms: list[float] = []
    with connect(settings, role="stager") as connection:
        lane = Lane(application, connection, BATCH)
        baseline = Lane(application, connection, 1)
        run_id = named_id("bench", str(id(lane)), str(time.perf_counter_ns()))
        for turn in range(max(1, records // (BATCH * STEPS))):
            lane.run(_records(codec, f"{run_id}-{turn}", BATCH), durations_ms)
            baseline.run(_records(codec, f"{run_id}-{turn}-single", BATCH // BASELINE_SHARE), [])
    figures = compared(
        bench="stager",
        records=lane.records,
        rate_per_s=lane.rate_per_s,
        baseline="the same transitions, one transaction each",
        baseline_per_s=baseline.rate_per_s,
    )
    return _with_durations(figures, durations_ms)


def _with_durations(figures: Figures, durations_ms: Sequence[float]) -> Figures:
    values = {
        **figures.__dict__,
        "p50_ms": round(percentile(durations_ms, 0.5), 1),
        "p99_ms": round(percentile(durations_ms, 0.99), 1),
        "note": f"durations are of transactions of {BATCH} inputs",
    }
    return Figures(**values)


def _records(codec: Codec, run_id: str, referrals: int) -> list[RawRecord]:
    """Return lives of referrals side by side: all arrive, then all move, as a busy clinic's inputs do."""
    ids = [named_id(run_id, str(number)) for number in range(referrals)]
    events = [event for step in range(STEPS) for submission_id in ids for event in _input(submission_id, step)]
    return [_raw(codec, event, offset) for offset, event in enumerate(events)]


def _raw(codec: Codec, event: Event, offset: int) -> RawRecord:
    return RawRecord(
        topic=event.schema_name,
        partition=0,
        offset=offset,
        key=key_of(event).encode(),
        value=codec.encode(event),
        headers=(),
        recorded_at=START + timedelta(milliseconds=offset),
    )


def _input(submission_id: str, step: int) -> Iterator[Event]:
    if step == 0:
        yield _match(submission_id)
    elif step <= len(MOVES):
        yield _command(submission_id, step, CommandAction.MOVE, to_stage=MOVES[step - 1], expected_version=step)
    else:
        yield _command(
            submission_id,
            step,
            CommandAction.RECORD_APPOINTMENT,
            appointment_id=f"appointment-{submission_id}",
            appointment_status=AppointmentStatus.BOOKED,
            appointment_at=START + timedelta(days=14),
            appointment_version=1,
        )


def _match(submission_id: str) -> ReferralMatched:
    return ReferralMatched(
        event_id=named_id("match", submission_id),
        referral_id=referral_id_of(submission_id),
        kind=MatchKind.RECEIVED,
        network_id="riverside",
        clinic_id="harbor",
        submission_id=submission_id,
        patient_id=named_id("patient", submission_id),
        outcome=MatchOutcome.NEW_PATIENT,
        rule="no_candidate",
        channel=Channel.FAX,
        referring_provider="Helen Marsh",
        referring_organisation="Elm Street Family Practice",
        specialty="cardiology",
        received_at=START,
        accepted_at=START,
        at=START,
    )


def _command(submission_id: str, step: int, action: CommandAction, **fields: object) -> ReferralCommanded:
    values = {
        "event_id": named_id("command", submission_id, str(step)),
        "referral_id": referral_id_of(submission_id),
        "network_id": "riverside",
        "action": action,
        "by_user": "sue",
        "by_role": Role.SUPERVISOR,
        "at": START + timedelta(minutes=step),
        **fields,
    }
    return ReferralCommanded.model_validate(values)
