"""Several HL7 messages at once are cut without losing any, and answered in the form in which they came."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.channels.hl7 import read_header
from services.intake.channels.hl7_batch import answer_to, messages_of, read_sent
from services.intake.channels.limits import MOST_HL7_MESSAGES
from services.intake.channels.refusal import Refusal, RefusalCode
from tests.support.channels import NOW
from tests.support.hl7_batches import generated_batch, message

BATCH = b"BHS|^~\\&|CHART|ELM|||20260105||||B-7\r"


def control_ids(content: bytes) -> list[str | None]:
    found: list[str | None] = []
    for one in messages_of(content):
        try:
            found.append(read_header(one).control_id)
        except Refusal:
            found.append(None)
    return found


def segments(answer: bytes) -> list[str]:
    return [segment[:3] for segment in answer.decode().split("\r")[:-1]]


@pytest.mark.parametrize("seed", range(200))
def test_a_batch_is_cut_into_its_messages(seed: int) -> None:
    batch = generated_batch(seed)

    assert control_ids(batch.content) == list(batch.told)
    assert read_sent(batch.content).is_wrapped is batch.is_wrapped


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 1_000), junk=st.text(alphabet="MSHBTFx|^~\\&\r\n 1", max_size=60))
def test_nothing_of_what_comes_along_is_lost(seed: int, junk: str) -> None:
    content = generated_batch(seed).content + junk.encode()

    kept = b"".join(messages_of(content))

    assert kept.count(b"x") >= junk.count("x")
    assert kept.count(b"PID|") == content.count(b"PID|")


def test_files_that_keep_the_marks_of_the_line_are_cut() -> None:
    for end in (b"\x1c\r", b"\x1c", b"\x1c\r\n\x00"):
        framed = b"".join(b"\x0b" + message(name) + end for name in ("MSG-1", "MSG-2"))
        bare = framed.replace(b"\r\x1c", b"\x1c")

        assert control_ids(framed) == control_ids(bare) == ["MSG-1", "MSG-2"]


def test_one_message_is_left_as_it_is() -> None:
    assert messages_of(message("MSG-1")) == [message("MSG-1")]
    assert messages_of(b"junk before\r" + message("MSG-1")) == [b"junk before\r" + message("MSG-1")]


@pytest.mark.parametrize(
    "line", [b"MSH levels were low", b"MSH2 mutation", b"MSH-6 mutation", b"BTS|", b"FHS, of course"]
)
def test_a_line_of_text_begins_no_message(line: bytes) -> None:
    content = message("MSG-1") + b"NTE|1||first line\r" + line + b"\r"

    assert messages_of(content) == [content]
    assert control_ids(content + message("MSG-2")) == ["MSG-1", "MSG-2"]


def test_a_batch_of_one_is_that_message() -> None:
    assert messages_of(BATCH + message("MSG-1") + b"BTS|1\r") == [message("MSG-1")]


@pytest.mark.parametrize("content", [BATCH + b"BTS|0\r", BATCH + b"BTS\r", b"FHS|^~\\&|\r" + BATCH + b"BTS|0\rFTS|1\r"])
def test_an_empty_batch_holds_nothing(content: bytes) -> None:
    assert messages_of(content) == []


@pytest.mark.parametrize("content", [BATCH, BATCH + b"BTS|3\r", b"FHS|^~\\&|\r", b"BTS|0\r", b""])
def test_a_batch_that_breaks_off_is_not_empty(content: bytes) -> None:
    assert messages_of(content) == [content]


def test_the_answer_repeats_whose_batch_it_is_and_counts() -> None:
    sent = read_sent(b"FHS|^~\\&|||||||||F-1\r" + BATCH + message("A") + message("B") + b"BTS|3\rFTS|1\r")

    answer = answer_to(sent, [b"MSH|first\r", b"MSH|second\r"], now=NOW).split(b"\r")

    assert [line.split(b"|")[0] for line in answer[:-1]] == [b"FHS", b"BHS", b"MSH", b"MSH", b"BTS", b"FTS"]
    assert [answer[place].split(b"|")[11] for place in (0, 1)] == [b"F-1", b"B-7"]
    assert answer[4:6] == [b"BTS|2|incomplete", b"FTS|1"]


@pytest.mark.parametrize("seed", range(100))
def test_an_answer_has_the_form_of_what_it_answers(seed: int) -> None:
    batch = generated_batch(seed)
    sent = read_sent(batch.content)

    found = segments(answer_to(sent, [b"MSH|\r"] * len(sent.messages), now=NOW))

    assert found.count("MSH") == len(batch.told)
    assert (found[:1] == ["FHS"], found[-1:] == ["FTS"]) == (batch.has_file_header,) * 2
    assert found.count("BHS") == found.count("BTS") == len(sent.batches) * batch.is_wrapped


def test_a_header_repeats_nothing_but_an_id() -> None:
    sent = read_sent(b"BHS|^~\\&|||||||||Roe, Jane~^ 7\r" + message("A"))

    assert b"|RoeJane7\r" in answer_to(sent, [b""], now=NOW)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("line", [b"MSH|^~\\&|\r", b"BHS|\r", b"MSH\r", b"BTS|\rx\r", b"\rMSH-", b"\x0bMSH|"])
def test_a_million_bytes_take_no_time(line: bytes) -> None:
    content = BATCH + line * (1_000_000 // len(line))
    try:
        assert len(messages_of(content)) <= MOST_HL7_MESSAGES
    except Refusal as refusal:
        assert refusal.code is RefusalCode.TOO_MANY_PARTS
