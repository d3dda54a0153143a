"""Turn what was extracted from a submission into a referral with normalised facts and missing items."""

import re
from functools import lru_cache
from typing import Any

from schemas.events import Document, IntakeSubmitted, ReferralReceived
from schemas.ids import derived_id, matching_key_of, named_id, referral_id_of
from schemas.vocabulary import Channel, MissingItem
from services.intake.extraction.assembly import Extraction
from services.intake.extraction.field_names import FieldName, Fields
from services.intake.extraction.findings import FoundFile
from services.intake.extraction.formats import role_of_message
from services.intake.rules.dates import parse_birth_date
from services.intake.rules.fingerprint import Identifiers, Transmission, content_fingerprint_of, fingerprint_of
from services.intake.rules.identifiers import parse_diagnosis_codes, parse_npi, parse_sex
from services.intake.rules.names import PersonName, is_placeholder, name_of_parts, parse_name
from services.intake.rules.phones import normalise_phone
from services.intake.rules.phonetic import phonetic_code
from services.intake.rules.priority import parse_priority
from services.intake.rules.required_fields import Known, missing_items
from services.intake.rules.specialty import recognise_specialty
from services.intake.rules.texts import many_lines, one_line

MOST_EXTERNAL_IDS = 20
#: the same offices refer again and again
_CACHED = 1 << 14
#: channels whose authenticated sender is the referring office and can be answered
_ANSWERABLE = frozenset({Channel.MAIL, Channel.FAX})
#: what is taken from the submission as it is
_HANDED_ON = (
    "submission_id",
    "network_id",
    "clinic_id",
    "channel",
    "source",
    "source_message_id",
    "content_digest",
    "received_at",
    "accepted_at",
)
#: what makes one request another, apart from the patient
_SUBSTANCE = ("specialty", "service", "reason", "order_number", "referring_provider")
Facts = dict[str, Any]
_LETTERS = re.compile(r"[^\W\d_]{2}")
_CODES = re.compile(r"\b[A-Z]\d[0-9A-Z.]*\b|[^\w\s]")


def referral_of(submission: IntakeSubmitted, extraction: Extraction) -> ReferralReceived:
    """Return the referral of a submission; the same submission and bytes always give the same.

    Raises:
        pydantic.ValidationError: a fact that its schema does not admit; it quotes the input.
    """
    name = _name(extraction.fields)
    patient = _patient(submission, extraction.fields, name)
    request = _request(submission, extraction)
    referral_id = referral_id_of(submission.submission_id)
    return ReferralReceived(
        event_id=derived_id(submission.submission_id, 0),
        referral_id=referral_id,
        matching_key=_matching_key(submission, name),
        **_transmission(submission, extraction, patient, request),
        **patient,
        **request,
        missing_items=_missing_items(submission, extraction, name, patient, request),
        documents=_documents(submission, extraction, referral_id),
    )


def _transmission(submission: IntakeSubmitted, extraction: Extraction, patient: Facts, request: Facts) -> Facts:
    transmission = Transmission(
        network_id=submission.network_id,
        source=submission.source,
        received_at=submission.received_at,
        message_id=submission.source_message_id,
        content_digest=submission.content_digest,
    )
    identifiers = Identifiers(patient["given_name"], patient["last_name"], patient["birth_date"], patient["phone"])
    substance = (*(request[fact] for fact in _SUBSTANCE), *request["diagnosis_codes"], *extraction.text_digests)
    return {
        **{fact: submission.__dict__[fact] for fact in _HANDED_ON},
        "fingerprint": fingerprint_of(transmission, identifiers),
        "content_fingerprint": content_fingerprint_of(transmission, identifiers, substance),
    }


def _patient(submission: IntakeSubmitted, fields: Fields, name: PersonName) -> Facts:
    born, phone = fields.get(FieldName.BIRTH_DATE), fields.get(FieldName.PHONE)
    return {
        "given_name": name.given,
        "middle_name": name.middle,
        "last_name": name.last,
        "birth_date": parse_birth_date(born, received_on=submission.received_at.date()) if born else None,
        "sex": parse_sex(fields.get(FieldName.SEX)),
        "phone": normalise_phone(phone) if phone else None,
        "mrn": _line(fields.get(FieldName.MRN)),
        "external_ids": _external_ids(fields.get(FieldName.EXTERNAL_ID)),
    }


def _request(submission: IntakeSubmitted, extraction: Extraction) -> Facts:
    get = extraction.fields.get
    specialty = _specialty(extraction.fields)
    diagnosis, npi = get(FieldName.DIAGNOSIS), get(FieldName.REFERRING_NPI)
    return {
        "referring_provider": _provider(get(FieldName.REFERRING_PROVIDER)),
        "referring_npi": parse_npi(npi) if npi else None,
        "referring_organisation": _line(get(FieldName.REFERRING_ORGANISATION)),
        "referring_contact": _contact(submission, extraction.fields),
        "specialty": specialty,
        "service": _line(get(FieldName.SERVICE)),
        "reason": _reason(extraction.fields),
        "diagnosis_codes": parse_diagnosis_codes(diagnosis) if diagnosis else (),
        "order_number": _line(get(FieldName.ORDER_NUMBER)),
        "priority": parse_priority(get(FieldName.PRIORITY)),
        "insurance_payer": _line(get(FieldName.PAYER)),
        "insurance_member_id": _line(get(FieldName.MEMBER_ID)),
        "authorisation_number": _line(get(FieldName.AUTHORISATION)),
        "note": _note(extraction, specialty),
    }


def _missing_items(
    submission: IntakeSubmitted, extraction: Extraction, name: PersonName, patient: Facts, request: Facts
) -> tuple[MissingItem, ...]:
    known = Known(
        patient_name=name.is_complete and not is_placeholder(name),
        date_of_birth=patient["birth_date"] is not None,
        phone=patient["phone"] is not None,
        specialty=request["specialty"] is not None,
        referring_provider=request["referring_provider"] is not None,
        reason=request["reason"] is not None,
    )
    return missing_items(known, troubles=extraction.troubles, channel=submission.channel)


def _name(fields: Fields) -> PersonName:
    given, last = fields.get(FieldName.GIVEN_NAME), fields.get(FieldName.LAST_NAME)
    if given is not None or last is not None:
        return name_of_parts(given=given or "", middle=fields.get(FieldName.MIDDLE_NAME) or "", last=last or "")
    return parse_name(fields.get(FieldName.PATIENT_NAME) or "")


def _specialty(fields: Fields) -> str | None:
    for name in (FieldName.SPECIALTY, FieldName.SERVICE):
        written = fields.get(name)
        if written and (found := recognise_specialty(written)):
            return found
    return None


def _reason(fields: Fields) -> str | None:
    reason = fields.get(FieldName.REASON)
    if reason and (clean := many_lines(reason)):
        return clean
    diagnosis = fields.get(FieldName.DIAGNOSIS)
    # codes alone do not say why somebody is referred, a named diagnosis does
    if diagnosis and _LETTERS.search(_CODES.sub(" ", diagnosis[:2000])):
        return many_lines(diagnosis) or None
    return None


@lru_cache(_CACHED)
def _provider(written: str | None) -> str | None:
    provider = _line(written)
    if provider is None or not _LETTERS.search(provider):
        return None
    return provider if parse_name(provider).last else None


def _contact(submission: IntakeSubmitted, fields: Fields) -> str | None:
    written = fields.get(FieldName.REFERRING_CONTACT)
    if written:
        return _line(written)
    return submission.source if submission.channel in _ANSWERABLE else None


def _external_ids(written: str | None) -> tuple[str, ...]:
    if not written:
        return ()
    cleaned = (one_line(line) for line in written.split("\n")[:MOST_EXTERNAL_IDS])
    return tuple(dict.fromkeys(line if "|" in line else f"id|{line}" for line in cleaned if line))


def _note(extraction: Extraction, specialty: str | None) -> str | None:
    written = extraction.fields.get(FieldName.SPECIALTY)
    if not extraction.note and FieldName.NOTE not in extraction.fields and (specialty or not written):
        return None
    # an unknown specialty may be anything, even a name; here it stays among restricted text
    unknown = f"Specialty as written: {written}" if written and not specialty else ""
    note = "\n".join(filter(None, (extraction.fields.get(FieldName.NOTE), extraction.note, unknown)))
    return many_lines(note) or None


def _line(written: str | None) -> str | None:
    return (one_line(written) or None) if written else None


def _matching_key(submission: IntakeSubmitted, name: PersonName) -> str:
    code = phonetic_code(name.last) if name.last else ""
    return matching_key_of(submission.network_id, code) if code else submission.submission_id


def _documents(submission: IntakeSubmitted, extraction: Extraction, referral_id: str) -> tuple[Document, ...]:
    original = Document(
        document_id=named_id("document", referral_id, submission.content_digest),
        kind=role_of_message(submission.channel, submission.content_type),
        content_digest=submission.content_digest,
        content_type=one_line(submission.content_type),
        content_size=submission.content_size,
        readable=extraction.is_message_readable,
    )
    if not extraction.files:
        return (original,)
    found = [_document(file, index in extraction.readable, referral_id) for index, file in enumerate(extraction.files)]
    # the same page attached twice is one document
    return tuple({document.document_id: document for document in (original, *found)}.values())


def _document(file: FoundFile, is_readable: bool, referral_id: str) -> Document:  # noqa: FBT001 - the fact itself
    digest = file.digest or ""
    return Document(
        document_id=named_id("document", referral_id, digest),
        kind=file.role,
        content_digest=digest,
        content_type=one_line(file.content_type),
        content_size=file.size,
        readable=is_readable,
    )
