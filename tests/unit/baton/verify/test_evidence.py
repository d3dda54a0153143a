"""Records become rows of ids and words; what can not be read has no event id."""

from datetime import UTC, datetime

from baton.verify.evidence import WITH_INBOX, consumed_topics, rows_of
from runtime.delivery import RawRecord
from runtime.quarantine import RETRY_HEADER
from schemas.codec import Codec
from schemas.events import IntakeSubmitted
from schemas.ids import named_id, referral_id_of
from schemas.topics import Service
from schemas.vocabulary import Channel
from tests.support.schema_ids import RememberedSchemas

NOW = datetime(2026, 1, 5, tzinfo=UTC)
CODEC = Codec(RememberedSchemas())


def raw(value: bytes | None, **fields: object) -> RawRecord:
    known = {"topic": "intake.submitted.v1", "partition": 1, "offset": 7, "key": b"k", "headers": ()}
    return RawRecord(value=value, recorded_at=NOW, **(known | fields))  # type: ignore[arg-type]


def submitted(submission_id: str) -> IntakeSubmitted:
    return IntakeSubmitted(
        event_id=submission_id,
        submission_id=submission_id,
        network_id="riverside",
        clinic_id="harbor",
        channel=Channel.PORTAL,
        source="office",
        received_at=NOW,
        accepted_at=NOW,
        content_digest="0" * 64,
        content_type="application/json",
        content_size=2,
    )


def test_a_submission_is_a_row_with_the_referral_it_has_to_become() -> None:
    (row,) = rows_of(CODEC, [raw(CODEC.encode(submitted("s-1")))])

    assert row[:6] == ("intake.submitted.v1", 1, 7, "k", "s-1", None)
    assert row[6:8] == (referral_id_of("s-1"), "s-1")


def test_an_unreadable_record_is_a_row_without_an_event() -> None:
    (row,) = rows_of(CODEC, [raw(b"junk")])

    assert row == ("intake.submitted.v1", 1, 7, "k", *(None for _ in range(9)))


def test_an_id_that_no_table_keeps_counts_as_unreadable() -> None:
    rows = list(rows_of(CODEC, [raw(CODEC.encode(submitted(name))) for name in ("", "a\x00b", "x" * 9_000)]))

    assert [row[4] for row in rows] == [None, None, None]


def test_a_record_that_is_driven_again_names_its_row() -> None:
    row_id = named_id("quarantine", "x")

    (row,) = rows_of(CODEC, [raw(None, headers=((RETRY_HEADER, row_id.encode()),))])

    assert row[5] == row_id


def test_every_service_with_an_inbox_reads_topics() -> None:
    assert all(consumed_topics(service) for service in WITH_INBOX)
    assert consumed_topics(Service.STAGER) == ("referral.matched.v1", "referral.commanded.v1", "sla.signalled.v1")
