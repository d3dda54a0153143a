"""Outputs follow from their cause, byte for byte, and carry its trace."""

from datetime import UTC, datetime

import pytest

from runtime.delivery import Delivery
from runtime.encoding import OutputEncoder, UnusableKey, continued_trace
from schemas.codec import Codec
from schemas.events import ReferralCommanded
from tests.support.relay import changed
from tests.support.relay_world import command
from tests.support.schema_ids import RememberedSchemas

CAUSE = command("R1", 1)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def delivery(event: ReferralCommanded = CAUSE, traceparent: str | None = TRACE) -> Delivery:
    at = datetime(2026, 11, 23, 9, tzinfo=UTC)
    return Delivery(event, event.event_id, "referral.commanded.v1", 0, 3, event.referral_id, at, traceparent)


def encoder() -> OutputEncoder:
    return OutputEncoder(Codec(RememberedSchemas()), source="relay")


def test_the_same_cause_gives_the_same_bytes() -> None:
    assert encoder().encode([changed(CAUSE, 1)], delivery()) == encoder().encode([changed(CAUSE, 1)], delivery())


def test_headers_are_cloudevents_and_the_trace_goes_on() -> None:
    (output,) = encoder().encode([changed(CAUSE, 1)], delivery())

    headers = dict(output.headers)
    assert (output.topic, output.key) == ("referral.changed.v1", "R1")
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_type"] == b"baton.referral.changed.v1"
    assert headers["ce_source"] == b"/baton/relay"
    assert headers["ce_id"].decode() == changed(CAUSE, 1).event_id
    assert headers["traceparent"].split(b"-")[1] == TRACE.split("-")[1].encode()


@pytest.mark.parametrize(
    "foreign", [None, "", "00-xyz-1-01", "00-" + "Z" * 32 + "-00f067aa0ba902b7-01", TRACE + "-more", "\x00" * 55]
)
def test_a_trace_that_is_none_is_replaced_by_one_that_follows_from_the_cause(foreign: str | None) -> None:
    made = continued_trace(foreign, cause_id="c", event_id="e")

    assert made == continued_trace(None, cause_id="c", event_id="e")
    assert [len(part) for part in made.split("-")] == [2, 32, 16, 2]


@pytest.mark.parametrize("key", ["", "R\x001"])
def test_a_key_that_no_table_keeps_is_refused(key: str) -> None:
    with pytest.raises(UnusableKey):
        encoder().encode([changed(CAUSE, 1).model_copy(update={"referral_id": key})], delivery())
