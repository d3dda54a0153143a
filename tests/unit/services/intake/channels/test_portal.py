"""Forms are known by what they say and by the files that came along."""

import hashlib
import json

import pytest

from services.intake.channels.portal import Upload, form_arrival, upload_arrival
from services.intake.channels.refusal import Refusal, RefusalCode
from tests.support.channels import NOW, SENDER

PDF = Upload(b"%PDF-1.4 letter", "application/pdf", "C:\\letters\\..\\roe.pdf")


def test_the_same_form_with_its_fields_in_another_order_is_the_same() -> None:
    one = form_arrival(SENDER, b'{"a": 1, "b": 2}', now=NOW)
    other = form_arrival(SENDER, b'\xef\xbb\xbf{"b":2,"a":1}', now=NOW)

    assert one.submission_id == other.submission_id
    assert form_arrival(SENDER, b'{"a": 1}', now=NOW).submission_id != one.submission_id


def test_the_portals_own_key_tells_two_equal_forms_apart() -> None:
    one, other = (form_arrival(SENDER, b'{"a": 1}', now=NOW, message_id=key) for key in ("k-1", "k-2"))

    assert one.submission_id != other.submission_id


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"{", RefusalCode.NOT_JSON), (b"", RefusalCode.NOT_JSON), (b"[1]", RefusalCode.NOT_A_FORM)],
)
def test_what_is_no_form_is_refused(content: bytes, code: RefusalCode) -> None:
    with pytest.raises(Refusal) as refusal:
        form_arrival(SENDER, content, now=NOW)

    assert refusal.value.code is code


def test_an_upload_points_at_its_files() -> None:
    arrival = upload_arrival(SENDER, {"name": "Jane Roe"}, [PDF], now=NOW)

    document = json.loads(arrival.content)
    assert document["fields"] == {"name": "Jane Roe"}
    assert document["attachments"] == [
        {
            "digest": hashlib.sha256(PDF.data).hexdigest(),
            "content_type": "application/pdf",
            "size": 15,
            "file_name": "roe.pdf",
        }
    ]
    assert arrival.attachments == (PDF.data,)


def test_another_file_makes_another_submission() -> None:
    one = upload_arrival(SENDER, {}, [PDF], now=NOW)
    other = upload_arrival(SENDER, {}, [Upload(b"%PDF-1.4 other", "application/pdf", PDF.file_name)], now=NOW)

    assert one.submission_id != other.submission_id
