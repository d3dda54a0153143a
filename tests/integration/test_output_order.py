"""What was decided before a crash and never said is said before anything newer about the same referral."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from baton.bench.stager import LocalSchemaIds
from baton.migrations import migrate
from runtime.application import Application
from runtime.batch import Batch
from runtime.delivery import RawRecord
from schemas.codec import Codec
from schemas.events import ReferralChanged, ReferralMatched
from schemas.ids import named_id, referral_id_of
from schemas.vocabulary import Channel, MatchKind, MatchOutcome
from services.stager.data_files import load_rulebook
from services.stager.pipeline import Stager

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TOPIC = ReferralMatched.schema_name


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    migrate(database_url)
    with psycopg.connect(database_url) as connection:
        yield connection


class Stepper:
    """Takes steps whose outputs are published or not, as a crash has it."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self.codec = Codec(LocalSchemaIds())
        self._application = Application(Stager(load_rulebook("standard"), instance="0"), self.codec, "0")

    def step(self, *raws: RawRecord, published: tuple[int, ...] = ()) -> Batch:
        with self._connection.transaction():
            return self._application.apply(
                self._connection,
                raws,
                positions={(raw.topic, raw.partition): raw.offset + 1 for raw in raws},
                published=published,
                at=NOW,
            )

    def raw(self, number: int, kind: MatchKind, *, partition: int = 0, referral: str = "one") -> RawRecord:
        event = _match(number, kind, referral)
        return RawRecord(TOPIC, partition, number, event.referral_id.encode(), self.codec.encode(event), (), NOW)

    def sequences(self, batch: Batch) -> list[int]:
        outputs = [output for outputs in batch.outputs.values() for output in outputs]
        changed = [output.value for output in outputs if output.topic == ReferralChanged.schema_name]
        return [self.codec.decode(ReferralChanged, value).sequence for value in changed]


def _match(number: int, kind: MatchKind, referral: str) -> ReferralMatched:
    submission_id = named_id("order", referral)
    return ReferralMatched(
        event_id=named_id("match", referral, str(number)),
        referral_id=referral_id_of(submission_id),
        kind=kind,
        network_id="riverside",
        clinic_id="harbor",
        submission_id=submission_id,
        patient_id="patient",
        outcome=MatchOutcome.NEW_PATIENT,
        rule="no_candidate",
        channel=Channel.FAX,
        received_at=NOW,
        accepted_at=NOW,
        at=NOW,
    )


def test_an_unsaid_change_goes_out_with_the_first_newer_one_and_before_it(connection: psycopg.Connection) -> None:
    stepper = Stepper(connection)
    stepper.step(stepper.raw(1, MatchKind.RECEIVED))

    newer = stepper.step(stepper.raw(2, MatchKind.CORRECTED))

    assert stepper.sequences(newer) == [1, 2]


def test_it_goes_out_first_even_when_its_cause_comes_again_later_in_the_batch(connection: psycopg.Connection) -> None:
    stepper = Stepper(connection)
    first = stepper.raw(1, MatchKind.RECEIVED)
    stepper.step(first)

    newer = stepper.step(stepper.raw(2, MatchKind.CORRECTED), first)

    assert stepper.sequences(newer) == [1, 2]


def test_of_two_unsaid_changes_the_earlier_goes_out_first_whichever_cause_comes_again(
    connection: psycopg.Connection,
) -> None:
    stepper = Stepper(connection)
    second = stepper.raw(2, MatchKind.CORRECTED)
    stepper.step(stepper.raw(1, MatchKind.RECEIVED), second)

    again = stepper.step(second)

    assert stepper.sequences(again) == [1, 2]


def test_it_is_not_said_again_when_its_cause_comes_again_afterwards(connection: psycopg.Connection) -> None:
    stepper = Stepper(connection)
    first = stepper.raw(1, MatchKind.RECEIVED)
    stepper.step(first)
    newer = stepper.step(stepper.raw(2, MatchKind.CORRECTED))
    assert newer.batch_id is not None

    again = stepper.step(first, published=(newer.batch_id,))

    assert stepper.sequences(again) == []


def test_what_others_have_in_hand_is_left_to_them(connection: psycopg.Connection) -> None:
    stepper = Stepper(connection)
    stepper.step(stepper.raw(1, MatchKind.RECEIVED, partition=1))

    own = stepper.step(stepper.raw(1, MatchKind.RECEIVED, referral="two"))

    assert stepper.sequences(own) == [1]
