"""A mail is the same mail however it travelled, and another one when its author wrote something else."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.vocabulary import Channel
from services.intake.channels.mail import mail_arrival, read_head
from tests.samples.catalogue import JANE
from tests.samples.writers import letter_mail, mail
from tests.support.channels import NOW, SENDER

LETTER = letter_mail("letter", JANE)
#: header fields that mail servers add or change
TRANSPORT = st.lists(
    st.tuples(
        st.sampled_from(
            ["Received", "Return-Path", "Delivered-To", "X-Spam-Score", "DKIM-Signature", "ARC-Seal", "To"]
        ),
        st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60),
    ),
    max_size=8,
)


def submission_id(content: bytes) -> str:
    return mail_arrival(SENDER, Channel.MAIL, content, now=NOW).submission_id


@settings(max_examples=50, deadline=None)
@given(added=TRANSPORT, uses_bare_line_ends=st.booleans(), blank_lines=st.integers(0, 3))
def test_what_is_added_on_the_way_changes_nothing(
    added: list[tuple[str, str]], uses_bare_line_ends: bool, blank_lines: int
) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in added).encode()
    travelled = head + LETTER + b"\r\n" * blank_lines
    if uses_bare_line_ends:
        travelled = travelled.replace(b"\r\n", b"\n")

    assert submission_id(travelled) == submission_id(LETTER)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Jane Roe", b"Jane Doe"),
        (b"Subject: Referral", b"Subject: Urgent referral"),
        (b"Message-ID: <letter@", b"Message-ID: <other@"),
        (b"Mon, 05 Jan", b"Tue, 06 Jan"),
    ],
)
def test_what_the_author_wrote_otherwise_is_another_mail(old: bytes, new: bytes) -> None:
    changed = LETTER.replace(old, new)

    assert changed != LETTER
    assert submission_id(changed) != submission_id(LETTER)


def test_two_mails_with_one_message_id_stay_two() -> None:
    assert submission_id(mail("same", "first")) != submission_id(mail("same", "second"))


def test_two_empty_mails_of_different_times_stay_two() -> None:
    empty = mail("voicemail", "").replace(b"Message-ID", b"X-Removed")

    assert submission_id(empty) != submission_id(empty.replace(b"08:30:00", b"08:30:01"))


def test_the_clinic_and_the_channel_make_a_mail_another_submission() -> None:
    here = mail_arrival(SENDER, Channel.MAIL, LETTER, now=NOW)
    as_fax = mail_arrival(SENDER, Channel.FAX, LETTER, now=NOW)

    assert here.submission_id != as_fax.submission_id


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"Message-ID: <a@b>", "a@b"),
        (b"message-id:\r\n <a@b>", "a@b"),
        (b"Message-ID: a@b", "a@b"),
        (b"Message-ID: <a@b>\r\nMessage-ID: <c@d>", None),
        (b"Message-ID: <a@b> <c@d>", None),
        (b"Message-ID: <" + b"x" * 300 + b">", None),
        (b"Subject: none", None),
        (b"Message-ID: <>", None),
    ],
)
def test_a_message_id_counts_when_there_is_exactly_one(head: bytes, expected: str | None) -> None:
    assert read_head(head + b"\r\n\r\nbody").message_id == expected


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Mon, 05 Jan 2026 08:30:00 -0500", datetime(2026, 1, 5, 13, 30, tzinfo=UTC)),
        ("Mon, 05 Jan 2026 13:30:00", datetime(2026, 1, 5, 13, 30, tzinfo=UTC)),
        ("Mon, 05 Jan 2026 09:05:00 -0500", NOW),
        ("Mon, 05 Jan 2027 08:30:00 -0500", NOW),
        ("Mon, 05 Jan 1970 08:30:00 -0500", NOW),
        ("Mon, 01 Jan 0001 00:00:00 +1400", NOW),
        ("tomorrow", NOW),
        ("Mon, 05 Jan 2026 08:30:00 " + "x" * 10_000, NOW),
    ],
)
def test_a_date_counts_when_it_can_be_true(date: str, expected: datetime) -> None:
    arrival = mail_arrival(SENDER, Channel.MAIL, f"Date: {date}\r\n\r\nbody".encode(), now=NOW)

    assert arrival.received_at == expected


@settings(max_examples=50, deadline=None)
@given(junk=st.binary(max_size=2000))
def test_any_bytes_are_taken(junk: bytes) -> None:
    arrival = mail_arrival(SENDER, Channel.MAIL, junk, now=NOW)

    assert arrival.content == junk
    assert arrival.submission_id == submission_id(junk)
    assert arrival.received_at <= NOW + timedelta(minutes=10)


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: " + b"=?utf-8?b?QQ==?= " * 20_000 + b"\r\n\r\nbody",
        b"X: y\r\n" * 60_000 + b"\r\nbody",
        b"Subject:" + b"\r\n " * 100_000 + b"\r\n\r\nbody",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 200_000,
        b"no end of the head " * 100_000,
        b"\r" * 3_000_000,
    ],
    ids=["encoded words", "many headers", "folded for ever", "many parts", "no end of the head", "returns"],
)
@pytest.mark.timeout(10)
def test_hostile_heads_take_no_time(content: bytes) -> None:
    assert mail_arrival(SENDER, Channel.MAIL, content, now=NOW).content == content
