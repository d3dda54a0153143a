"""HL7 messages are known by their control id and content, and acknowledged without being repeated."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.channels.hl7 import Acknowledgement, acknowledge, hl7_arrival, read_header
from services.intake.channels.refusal import Refusal, RefusalCode
from tests.samples.catalogue import RUTH
from tests.samples.writers import hl7
from tests.support.channels import NOW, SENDER

MESSAGE = hl7(RUTH, "MSG-1").encode()


def submission_id(content: bytes) -> str:
    return hl7_arrival(SENDER, content, now=NOW).submission_id


@settings(max_examples=50, deadline=None)
@given(sent_at=st.from_regex(r"\A[0-9]{8,14}\Z"), line_end=st.sampled_from([b"\r", b"\n", b"\r\n"]))
def test_a_message_that_is_sent_again_is_the_same(sent_at: str, line_end: bytes) -> None:
    again = MESSAGE.replace(b"20260105083000", sent_at.encode()).replace(b"\r", line_end)

    assert submission_id(again) == submission_id(MESSAGE)


@pytest.mark.parametrize(("old", "new"), [(b"Ruth", b"Rose"), (b"|MSG-1|P", b"|MSG-2|P"), (b"IN1|1", b"IN1|2")])
def test_a_message_with_other_content_or_another_id_is_another(old: bytes, new: bytes) -> None:
    changed = MESSAGE.replace(old, new)

    assert changed != MESSAGE
    assert submission_id(changed) != submission_id(MESSAGE)


def test_without_a_control_id_the_time_counts() -> None:
    nameless = MESSAGE.replace(b"||REF^I12^REF_I12|MSG-1|", b"||REF^I12^REF_I12||")

    assert submission_id(nameless) == submission_id(nameless)
    assert submission_id(nameless) != submission_id(nameless.replace(b"20260105083000", b"20260105083001"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MSH",
        b"MSH|",
        b"MSH|\rPID|1",
        b"MSH|^",
        b"MSHA^~\\&A",
        b"PID|1||7",
        b"MSH |^~\\&|",
        b"\x00" * 50,
        b"MSH||||||",
    ],
)
def test_a_header_that_can_not_be_read_is_refused(content: bytes) -> None:
    with pytest.raises(Refusal) as refusal:
        hl7_arrival(SENDER, content, now=NOW)

    assert refusal.value.code is RefusalCode.NO_HEADER


@settings(max_examples=50, deadline=None)
@given(junk=st.binary(max_size=300))
def test_any_bytes_are_taken_or_refused(junk: bytes) -> None:
    for content in (junk, b"MSH" + junk, b"MSH|^~\\&|" + junk):
        try:
            assert hl7_arrival(SENDER, content, now=NOW).content == content
        except Refusal as refusal:
            assert refusal.code is RefusalCode.NO_HEADER


def test_other_separators_are_read() -> None:
    header = read_header(b"MSH#*~\\&#EHR#OFFICE#BATON#R#20260105##REF*I12#C-7#P#2.5.1\rPID#1")

    assert header.control_id == "C-7"


def test_an_acknowledgement_repeats_the_control_id_and_nothing_else() -> None:
    told = acknowledge(Acknowledgement.ACCEPTED, control_id="MSG-1", text="referral X", now=NOW)
    not_told = acknowledge(Acknowledgement.ERROR, control_id="A\rPID|1|Roe^Jane", text="no_header", now=NOW)

    assert told.split(b"\r")[1] == b"MSA|AA|MSG-1|referral X"
    assert not_told.split(b"\r")[1] == b"MSA|AE|APID1RoeJane|no_header"
    assert [segment[:4] for segment in not_told.split(b"\r")] == [b"MSH|", b"MSA|", b"ERR|", b""]


@pytest.mark.timeout(5)
def test_a_million_separators_take_no_time() -> None:
    assert hl7_arrival(SENDER, b"MSH|^~\\&" + b"|" * 900_000, now=NOW).source_message_id is None
