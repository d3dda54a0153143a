"""Files: PDF with and without text, pictures, locked and broken ones."""

import io

import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from schemas.vocabulary import MissingItem
from services.intake.extraction.documents import read_document
from services.intake.extraction.field_names import FieldName
from services.intake.extraction.findings import FoundText
from services.intake.extraction.media_types import kind_of_bytes
from services.intake.extraction.recogniser import NoTextRecogniser, TextRecogniser
from tests.samples.catalogue import AMINA, JANE, THEO
from tests.samples.letters import image_only_pdf, letter_pdf, tiff

UNREADABLE = (MissingItem.READABLE_DOCUMENT,)


class Clairvoyant:
    """Reads the same words from every picture."""

    def text_of(self, document: bytes, content_type: str, page: int) -> str | None:
        return f"Patient: Jane Roe\nReason: page {page} of a scan, read by a machine"


def _read(data: bytes, content_type: str = "application/pdf", recogniser: TextRecogniser | None = None) -> FoundText:
    return read_document(data, content_type, recogniser=recogniser or NoTextRecogniser(), file_index=None)


def _cover_and_scan() -> bytes:
    picture = io.BytesIO()
    Image.new("1", (200, 200)).save(picture, "PNG")
    data = io.BytesIO()
    canvas = Canvas(data)
    canvas.drawString(72, 700, "Patient: Jane Roe   DOB: 01/05/1970, cover sheet of a fax with two pages")
    canvas.showPage()
    picture.seek(0)
    canvas.drawInlineImage(Image.open(picture), 0, 0)
    canvas.showPage()
    canvas.showPage()
    canvas.save()
    return data.getvalue()


def test_a_letter_with_a_text_layer_is_read() -> None:
    found = _read(letter_pdf(JANE))

    assert found.fields[FieldName.PATIENT_NAME] == "Jane Roe"
    assert found.troubles == ()


def test_two_letters_in_one_file_are_two_patients() -> None:
    assert _read(letter_pdf(AMINA, THEO)).troubles == (MissingItem.SINGLE_PATIENT,)


@pytest.mark.parametrize(
    ("data", "content_type", "troubles"),
    [
        (letter_pdf(JANE, password="secret"), "application/pdf", (MissingItem.DOCUMENT_PASSWORD,)),
        (letter_pdf(JANE)[:400], "application/pdf", UNREADABLE),
        (b"%PDF-1.7 nothing", "application/pdf", UNREADABLE),
        (image_only_pdf(JANE), "application/pdf", UNREADABLE),
        (tiff(JANE), "image/tiff", UNREADABLE),
        (b"", "application/pdf", UNREADABLE),
        (b"PK\x03\x04....", "application/vnd.openxmlformats", UNREADABLE),
        (b" \n ", "text/plain", UNREADABLE),
    ],
    ids=["locked", "cut", "empty pdf", "picture in pdf", "tiff", "nothing", "office file", "blank text"],
)
def test_what_can_not_be_read_says_why(data: bytes, content_type: str, troubles: tuple[MissingItem, ...]) -> None:
    found = _read(data, content_type)

    assert found.troubles == troubles
    assert found.fields == {}


def test_a_scanned_page_behind_a_cover_sheet_is_noticed_and_the_cover_is_read() -> None:
    found = _read(_cover_and_scan())

    assert found.fields[FieldName.PATIENT_NAME] == "Jane Roe"
    assert found.troubles == UNREADABLE


def test_a_recogniser_makes_scans_readable() -> None:
    assert _read(_cover_and_scan(), recogniser=Clairvoyant()).troubles == ()
    assert _read(tiff(JANE), recogniser=Clairvoyant()).fields[FieldName.PATIENT_NAME] == "Jane Roe"


def test_a_file_is_what_it_begins_with() -> None:
    assert kind_of_bytes(letter_pdf(JANE), "image/gif") == "application/pdf"
    assert kind_of_bytes(tiff(JANE), "application/pdf; name=x") == "image/tiff"
    assert kind_of_bytes(b"hello", "Text/Plain; charset=x") == "text/plain"


def test_the_same_letter_in_other_bytes_has_the_same_text_digest() -> None:
    one, other = letter_pdf(JANE), letter_pdf(JANE) + b"\n%% again\n"

    assert _read(one).text_digest == _read(other).text_digest
    assert _read(one).text_digest != _read(letter_pdf(THEO)).text_digest
