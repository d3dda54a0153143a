"""Mails as programs and people send them, and as attackers might."""

from email.message import EmailMessage
from time import perf_counter

import pytest

from schemas.vocabulary import Channel, MissingItem
from services.intake.extraction.assembly import Extraction, assemble
from services.intake.extraction.charsets import decode_text
from services.intake.extraction.field_names import FieldName
from services.intake.extraction.html_text import visible_text
from services.intake.extraction.limits import MOST_FILES
from services.intake.extraction.mail import read_mail
from services.intake.extraction.recogniser import NoTextRecogniser
from services.intake.extraction.reply_chain import split_reply

#: no hostile mail may hold a reader up for longer
PATIENCE_S = 4.0
BODY = "Patient: Jane Roe\nDOB: 01/05/1970\n"


def _extraction(data: bytes, channel: Channel = Channel.MAIL) -> Extraction:
    return assemble(list(read_mail(data, channel=channel, recogniser=NoTextRecogniser())))


def _mail(body: str = BODY) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "Referral"
    message.set_content(body)
    return message


def test_a_plain_mail_is_read() -> None:
    extraction = _extraction(_mail().as_bytes())

    assert extraction.fields[FieldName.PATIENT_NAME] == "Jane Roe"
    assert extraction.troubles == set()
    assert extraction.is_message_readable


def test_the_subject_fills_gaps_only() -> None:
    message = _mail()
    message.replace_header("Subject", "=?utf-8?q?Patient=3A_Someone_Else__Specialty=3A_Cardiology?=")
    same = _mail()
    same.replace_header("Subject", "Specialty: Cardiology")

    assert FieldName.SPECIALTY not in _extraction(message.as_bytes()).fields
    assert _extraction(same.as_bytes()).fields[FieldName.SPECIALTY] == "Cardiology"


def test_html_is_read_where_there_is_no_plain_text() -> None:
    message = EmailMessage()
    message.set_content(
        "<html><style>p {x: y}</style><table><tr><td>Patient:</td><td>Jane&nbsp;Roe</td></tr>"
        "<tr><td>DOB:</td><td>01/05/1970</td></tr></table></html>",
        subtype="html",
    )

    fields = _extraction(message.as_bytes()).fields

    assert fields == {FieldName.PATIENT_NAME: "Jane Roe", FieldName.BIRTH_DATE: "01/05/1970"}


def test_a_forwarded_mail_inside_fills_gaps() -> None:
    message = _mail("Please see below.")
    message.add_attachment(_mail())

    assert _extraction(message.as_bytes()).fields[FieldName.PATIENT_NAME] == "Jane Roe"


def test_a_document_about_somebody_else_is_noticed() -> None:
    message = _mail()
    message.add_attachment("Patient: Marco Bellini\nPhone: 617-555-0177\n", filename="letter.txt")

    extraction = _extraction(message.as_bytes())

    assert extraction.troubles == {MissingItem.SINGLE_PATIENT}
    assert FieldName.PHONE not in extraction.fields


def test_a_logo_in_the_text_is_no_document_and_an_attached_picture_is_an_unread_one() -> None:
    with_logo, with_page = _mail(), _mail()
    with_logo.add_attachment(b"\x89PNG....", maintype="image", subtype="png", disposition="inline", cid="<logo>")
    with_page.add_attachment(b"\x89PNG....", maintype="image", subtype="png", filename="page.png")

    assert _extraction(with_logo.as_bytes()).files == []
    assert _extraction(with_page.as_bytes()).troubles == {MissingItem.READABLE_DOCUMENT}


@pytest.mark.parametrize("mail", [b"", b"\r\n", b"Subject: x\r\n\r\n  \r\n", b"From: a@b\r\n\r\n"])
def test_a_mail_without_anything_lacks_content(mail: bytes) -> None:
    assert MissingItem.MESSAGE_CONTENT in _extraction(mail).troubles


def test_a_zip_is_not_opened() -> None:
    message = _mail()
    message.add_attachment(b"PK\x03\x04" + b"\x00" * 100, maintype="application", subtype="zip", filename="x.zip")

    assert _extraction(message.as_bytes()).troubles == {MissingItem.READABLE_DOCUMENT}


def _parts(count: int) -> bytes:
    return (
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        + b"--b\r\nContent-Disposition: attachment\r\n\r\nx\r\n" * count
        + b"--b--\r\n"
    )


def _nested(depth: int) -> bytes:
    head = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(depth))
    return head + b"Content-Type: text/plain\r\n\r\nPatient: Jane Roe\r\n"


def _forwarded(depth: int) -> bytes:
    return b"Content-Type: message/rfc822\r\n\r\n" * depth + b"Subject: x\r\n\r\nPatient: Jane Roe\r\n"


HOSTILE = {
    "200,000 parts": _parts(200_000),
    "10,000 attachments": _parts(10_000),
    "nested 2,000 deep": _nested(2_000),
    "forwarded 2,000 times": _forwarded(2_000),
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 20_000 + b"\r\n\r\nhello",
    "encoded names": b'Content-Disposition: attachment; filename="' + b"=?utf-8?q?a?= " * 20_000 + b'"\r\n\r\nhello',
    "one long line": b"\r\n\r\n" + b"Patient: " * 500_000,
    "a million headers": b"X: y\r\n" * 1_000_000 + b"\r\nhello",
    "open tags": b"Content-Type: text/html\r\n\r\n" + b"<div " * 200_000,
    "closed at last": b"Content-Type: text/html\r\n\r\n" + b"<div <style <!-- " * 100_000 + b">",
    "quotes": b"\r\n\r\n" + b"On a b wrote:\r\n> " * 50_000,
    "charset": b"Content-Type: text/plain; charset=zip\r\n\r\nhello",
    "charset bomb": b"Content-Type: text/plain; charset=" + b"x" * 1_000_000 + b"\r\n\r\nhello",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_costs_little_and_gives_something(name: str) -> None:
    begin = perf_counter()

    extraction = _extraction(HOSTILE[name])

    assert perf_counter() - begin < PATIENCE_S
    assert len(extraction.files) <= MOST_FILES


def test_too_many_parts_are_left_to_people() -> None:
    assert MissingItem.READABLE_DOCUMENT in _extraction(HOSTILE["200,000 parts"]).troubles
    assert MissingItem.READABLE_DOCUMENT in _extraction(_parts(150)).troubles
    assert MissingItem.READABLE_DOCUMENT in _extraction(HOSTILE["nested 2,000 deep"]).troubles


@pytest.mark.parametrize(
    ("data", "declared", "text"),
    [
        ("José".encode("latin-1"), "us-ascii", "José"),
        ("José".encode(), "us-ascii", "José"),
        ("José".encode(), "iso-8859-1", "José"),
        ("José".encode("latin-1"), "utf-8", "José"),
        ("José".encode("utf-16"), None, "José"),
        ("“José”".encode("cp1252"), None, "“José”"),
        ("José".encode(), "no-such-charset", "José"),
        ("\ufeffJosé".encode(), None, "José"),
        (b"abc", "zip", "abc"),
        (b"\x81\x8d", None, "\ufffd\ufffd"),
    ],
)
def test_text_is_decoded_whatever_is_declared(data: bytes, declared: str | None, text: str) -> None:
    assert decode_text(data, declared) == text


@pytest.mark.parametrize(
    "quoted",
    [
        "On Fri, Jan 2, 2026 at 9:00 AM Front Desk <a@b.example> wrote:\n> Patient: Ruth",
        "-----Original Message-----\nFrom: a\nPatient: Ruth",
        "---------- Forwarded message ---------\nPatient: Ruth",
        "From: Front Desk\nSent: Friday\nTo: x\n\nPatient: Ruth",
        "> > Patient: Ruth",
        "________________________________\nFrom: x\nPatient: Ruth",
    ],
)
def test_the_newest_part_is_told_from_the_quoted_rest(quoted: str) -> None:
    newest, rest = split_reply(f"Thank you\n\n{quoted}")

    assert newest.strip() == "Thank you"
    assert "Patient: Ruth" in rest
    assert not rest.startswith(">")


def test_a_mail_without_quotes_is_all_new() -> None:
    assert split_reply("Hello\nPatient: Jane") == ("Hello\nPatient: Jane", "")


def test_what_nobody_sees_of_a_page_is_not_read() -> None:
    page = "<title>x</title><p>a &amp; 1 < 2<br>b</p><!-- c --><script>d</script><tr><td>e</td><td>f</td></tr><p"

    assert visible_text(page) == "a & 1 < 2\nb\ne\tf"
