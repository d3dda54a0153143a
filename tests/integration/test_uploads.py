"""Portal forms with files, from the real HTTP door to the referral that each of them becomes, whatever comes along."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import httpx
import pytest

from baton.stack.addresses import Addresses
from runtime.document_store import LocalDocumentStore
from schemas.events import ReferralReceived
from schemas.vocabulary import MissingItem
from tests.samples.catalogue import JANE, RUTH
from tests.samples.letters import image_only_pdf, letter_pdf, tiff
from tests.support.hostile_files import inflating_pdf
from tests.support.normaliser import Intake, running_intake

FORM = json.loads((Path(__file__).parents[1] / "samples" / "portal" / "complete.json").read_bytes())
FIELDS = {
    "first_name": "Jane",
    "last_name": "Roe",
    "date_of_birth": "1970-01-05",
    "phone": "(617) 555-0142",
    "specialty": "Cardiology",
    "referring_provider": "Dr. Helen Marsh",
    "reason": "Palpitations at night",
}
LETTER = letter_pdf(JANE)
Part = tuple[str, bytes, str]
READABLE: dict[str, Part] = {
    "pdf": ("letter.pdf", LETTER, "application/pdf"),
    "pdf without a type": ("letter", LETTER, ""),
    "text": ("letter.txt", "\n".join(JANE.lines()).encode(), "text/plain"),
    "html": ("letter.html", f"<p>{'<br>'.join(JANE.lines())}</p>".encode(), "text/html; charset=utf-8"),
}
UNREADABLE: dict[str, Part] = {
    "tiff": ("fax.tiff", tiff(JANE), "image/tiff"),
    "scan": ("scan.pdf", image_only_pdf(JANE), "application/pdf"),
    "cut off": ("letter.pdf", LETTER[: len(LETTER) // 3], "application/pdf"),
    "locked": ("letter.pdf", letter_pdf(JANE, password="secret"), "application/pdf"),
    "empty": ("letter.pdf", b"", "application/pdf"),
    "word": ("letter.docx", b"PK\x03\x04" + Random(1).randbytes(5_000), "application/vnd.ms-word"),
    "noise": ("noise.bin", Random(2).randbytes(50_000), "application/octet-stream"),
    "odd type": ("a.pdf", b"?", "x" * 300 + "/\u00e9"),
    "inflates once": ("once.pdf", inflating_pdf(1_000, times=1), "application/pdf"),
    "inflates thrice": ("thrice.pdf", inflating_pdf(1_000, times=3), "application/pdf"),
}
NEEDS_A_LOOK = {MissingItem.READABLE_DOCUMENT, MissingItem.DOCUMENT_PASSWORD}


@pytest.fixture(scope="module")
def intake(stack: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intake]:
    with running_intake(stack, tmp_path_factory.mktemp("uploads")) as running:
        running.sandbox.start("channels", "intake")
        yield running


def test_a_form_with_any_file_becomes_its_referral(intake: Intake) -> None:
    parts = {**READABLE, **UNREADABLE}

    referrals = _referrals(intake, [_upload(intake, name, [part]) for name, part in parts.items()])

    for name, referral in zip(parts, referrals, strict=True):
        assert (referral.last_name, referral.phone) == ("Roe", "+16175550142"), name
        (file,) = referral.documents[1:]
        assert file.content_size == len(parts[name][1]), name
        assert file.readable is (name in READABLE), name
        assert bool(NEEDS_A_LOOK & set(referral.missing_items)) is (name in UNREADABLE), name
    assert intake.quarantined() == []


def test_many_files_of_one_form_are_read_each_for_itself(intake: Intake) -> None:
    files = [*READABLE.values(), UNREADABLE["tiff"], UNREADABLE["cut off"]]

    (referral,) = _referrals(intake, [_upload(intake, "many", files)])

    by_size = {document.content_size: document.readable for document in referral.documents[1:]}
    assert by_size == {len(data): place < len(READABLE) for place, (_, data, _) in enumerate(files)}
    assert NEEDS_A_LOOK & set(referral.missing_items)


def test_a_file_alone_is_a_referral(intake: Intake) -> None:
    reply = httpx.post(_url(intake), files=[("file", ("l.pdf", letter_pdf(RUTH), "application/pdf"))], timeout=120)

    (referral,) = _referrals(intake, [reply])

    assert referral.last_name == RUTH.last


def test_a_file_that_is_lost_or_damaged_is_asked_for(intake: Intake) -> None:
    store = LocalDocumentStore(intake.sandbox.documents)
    damaged = store.put(b"%PDF-1.4 a letter that the disk will forget" * 10)
    path = intake.sandbox.documents / "recent" / damaged
    path.write_bytes(bytes(path.stat().st_size))
    pointers = {
        "missing": [{"digest": "e" * 64, "content_type": "application/pdf", "size": 9}],
        "damaged": [{"digest": damaged, "content_type": "application/pdf", "size": 9}],
        "no digest": [{"name": "letter.pdf"}, "letter.pdf", None, 7, {"digest": "../../etc/passwd"}, {"digest": 3}],
        "odd size": [{"digest": "d" * 64, "size": 10**18}, {"digest": "c" * 64, "size": "large"}],
        "too many": [{"digest": "b" * 64}] * 200,
    }

    replies = [
        httpx.post(_url(intake), json={"fields": FIELDS | {"note": name}, "attachments": told}, timeout=120)
        for name, told in pointers.items()
    ]

    for referral in _referrals(intake, replies):
        assert referral.last_name == "Roe"
        assert referral.missing_items == (MissingItem.READABLE_DOCUMENT,)
        assert not any(document.readable for document in referral.documents[1:])
    assert intake.quarantined() == []


def _url(intake: Intake) -> str:
    return f"{intake.sandbox.environment()['INTAKE_URL']}/portal/referrals"


def _upload(intake: Intake, name: str, parts: list[Part]) -> httpx.Response:
    files = [("file", (part[0], part[1], part[2] or None)) for part in parts]
    return httpx.post(_url(intake), data=FIELDS | {"order_number": name}, files=files, timeout=120)


def _referrals(intake: Intake, replies: list[httpx.Response]) -> list[ReferralReceived]:
    assert [reply.status_code for reply in replies] == [201] * len(replies)
    return intake.referrals_to([reply.json()["submission_id"] for reply in replies])
