"""The id of a quarantined record: the same when it is delivered again, another for any other record."""

from datetime import UTC, datetime
from typing import Any

import pytest

from runtime.batch import Batch
from runtime.delivery import RawRecord
from runtime.inbox import headers_of, headers_text, is_passed
from runtime.quarantine import RETRY_HEADER, quarantine_id_of, retry_of

RAW = RawRecord("intake.submitted.v1", 2, 7, b"key", b"value", (), datetime(2026, 1, 1, tzinfo=UTC))


def test_a_redelivery_has_the_same_id() -> None:
    again = RAW._replace(recorded_at=datetime(2027, 1, 1, tzinfo=UTC), headers=(("x", b"y"),))

    assert quarantine_id_of(again) == quarantine_id_of(RAW)


@pytest.mark.parametrize("change", [{"topic": "t"}, {"partition": 3}, {"offset": 8}, {"value": b"other"}])
def test_another_record_has_another_id(change: dict[str, Any]) -> None:
    assert quarantine_id_of(RAW._replace(**change)) != quarantine_id_of(RAW)


@pytest.mark.parametrize(
    ("value", "claimed"),
    [
        (quarantine_id_of(RAW).encode(), quarantine_id_of(RAW)),
        (b"", None),
        (b"' OR true --", None),
        (b"\x00\xff", None),
        (quarantine_id_of(RAW).encode() + b"\n", None),
    ],
)
def test_only_the_shape_of_an_id_is_a_claim(value: bytes, claimed: str | None) -> None:
    assert retry_of(RAW._replace(headers=((RETRY_HEADER, value),))) == claimed


def test_headers_survive_their_text() -> None:
    headers = (("a", bytes(range(256))), ("a", b""), ("ü", b"\x00"))

    assert headers_of(headers_text(headers)) == headers


def test_setbacks_come_in_the_order_of_consumption() -> None:
    raws = [RAW._replace(offset=offset) for offset in range(4)]
    batch = Batch(raws)
    for raw in (raws[2], raws[0], raws[3]):
        batch.set_back_raw(raw, "any_reason")

    assert [setback.raw.offset for setback in batch.in_order()] == [0, 2, 3]


@pytest.mark.parametrize(
    ("committed", "passed"),
    [
        ({("t", 0): 10, ("t", 1): 20}, True),
        ({("t", 0): 11, ("t", 1): 25, ("u", 0): 1}, True),
        ({("t", 0): 10, ("t", 1): 19}, False),
        ({("t", 0): 10}, False),
        ({}, False),
    ],
)
def test_a_step_is_passed_when_every_partition_is(committed: dict[tuple[str, int], int], *, passed: bool) -> None:
    assert is_passed({("t", 0): 10, ("t", 1): 20}, committed) is passed
