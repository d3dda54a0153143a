"""Read the text of files: PDF with a text layer, plain text; images only through a text recogniser."""

import hashlib
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium

from schemas.vocabulary import MissingItem
from services.intake.extraction.charsets import decode_text
from services.intake.extraction.findings import FoundText, Part
from services.intake.extraction.html_text import visible_text
from services.intake.extraction.labels import read_labels
from services.intake.extraction.limits import LARGEST_PARSED, LONGEST_DOCUMENT_TEXT, MOST_PAGES
from services.intake.extraction.media_types import PDF, is_text, kind_of_bytes
from services.intake.extraction.recogniser import TextRecogniser
from services.intake.rules.fingerprint import text_digest
from services.intake.rules.texts import layout_text

#: fewer letters than this on a page are a fax machine's banner, not its text
FEWEST_LETTERS = 30


@dataclass(frozen=True, slots=True)
class _Text:
    text: str = ""
    troubles: tuple[MissingItem, ...] = ()


UNREADABLE = _Text(troubles=(MissingItem.READABLE_DOCUMENT,))


def read_document(data: bytes, content_type: str, *, recogniser: TextRecogniser, file_index: int | None) -> FoundText:
    """Return what a file's text tells, or the trouble that keeps it from being read."""
    kind = kind_of_bytes(data, content_type)
    found = _text_of(data, kind, recogniser)
    if not found.text:
        digest = hashlib.sha256(data).hexdigest()
        return FoundText(part=Part.DOCUMENT, text_digest=digest, troubles=found.troubles, file_index=file_index)
    labelled = read_labels(found.text)
    return FoundText(
        part=Part.DOCUMENT,
        fields=labelled.fields,
        text_digest=text_digest(found.text),
        troubles=(*found.troubles, *labelled.troubles),
        file_index=file_index,
    )


def _text_of(data: bytes, kind: str, recogniser: TextRecogniser) -> _Text:
    if not data or len(data) > LARGEST_PARSED:
        return UNREADABLE
    if kind == PDF:
        return _text_of_pdf(data, recogniser)
    if is_text(kind):
        text = decode_text(data[: 4 * LONGEST_DOCUMENT_TEXT])
        text = visible_text(text) if kind == "text/html" else text
        return _Text(_clean(text)) if text.strip() else UNREADABLE
    if kind.startswith("image/"):
        text = recogniser.text_of(data, kind, 0) or ""
        return _Text(_clean(text)) if text.strip() else UNREADABLE
    return UNREADABLE


def _text_of_pdf(data: bytes, recogniser: TextRecogniser) -> _Text:
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        is_locked = getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD
        return _Text(troubles=(MissingItem.DOCUMENT_PASSWORD,)) if is_locked else UNREADABLE
    try:
        pages = [_page_text(document, number, data, recogniser) for number in range(min(len(document), MOST_PAGES))]
    except pypdfium2.PdfiumError:
        return UNREADABLE
    finally:
        document.close()
    text = _clean("\n".join(filter(None, pages)))
    # a page that shows something and tells nothing is a scan: a cover sheet with text must not hide it
    return _Text(text, () if text and None not in pages else UNREADABLE.troubles)


def _page_text(document: pypdfium2.PdfDocument, number: int, data: bytes, recogniser: TextRecogniser) -> str | None:
    """Return a page's text, empty for a blank page, None for one that can not be read."""
    page = document[number]
    text = str(page.get_textpage().get_text_bounded())
    if sum(map(str.isalpha, text)) >= FEWEST_LETTERS:
        return text
    if pdfium.FPDFPage_CountObjects(page.raw) == 0:
        return ""
    if not _has_image(page):
        return text
    return recogniser.text_of(data, PDF, number)


def _has_image(page: pypdfium2.PdfPage) -> bool:
    return any(True for _ in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3))


def _clean(text: str) -> str:
    return layout_text(text.replace("\x02", "").replace("\xad", ""), limit=LONGEST_DOCUMENT_TEXT)
