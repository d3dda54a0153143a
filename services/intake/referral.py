"""Turn what was extracted from a submission into a referral with normalised facts and missing items."""

import re
from functools import lru_cache
from typing import Any

from schemas.events import IntakeSubmitted, ReferralReceived
from schemas.ids import derived_id, matching_key_of, named_id, referral_id_of
from schemas.phonetic import phonetic_code
from schemas.vocabulary import Channel, MissingItem
from services.intake.extraction.assembly import Extraction
from services.intake.extraction.field_names import FieldName, Fields
from services.intake.extraction.findings import FileRole, FoundFile
from services.intake.extraction.formats import role_of_message
from services.intake.rules.dates import parse_birth_date
from services.intake.rules.fingerprint import Identifiers, Transmission, fingerprints_of
from services.intake.rules.identifiers import parse_diagnosis_codes, parse_npi, parse_sex
from services.intake.rules.names import PersonName, is_placeholder, name_of_parts, parse_name
from services.intake.rules.phones import normalise_phone
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
#: facts that are one line of the sender's own, and those that the same senders repeat
_LINES = (
    ("mrn", FieldName.MRN),
    ("order_number", FieldName.ORDER_NUMBER),
    ("insurance_member_id", FieldName.MEMBER_ID),
    ("authorisation_number", FieldName.AUTHORISATION),
)
_REPEATED_LINES = (
    ("referring_organisation", FieldName.REFERRING_ORGANISATION),
    ("service", FieldName.SERVICE),
    ("insurance_payer", FieldName.PAYER),
)
#: what makes one request another, apart from the patient
_SUBSTANCE = ("specialty", "service", "reason", "order_number", "referring_provider", "note")
Facts = dict[str, Any]
_UNKNOWN_TYPE = "application/octet-stream"
_LETTERS = re.compile(r"[^\W\d_]{2}")
_CODES = re.compile(r"\b[A-Z]\d[0-9A-Z.]*\b|[^\w\s]")


def referral_of(submission: IntakeSubmitted, extraction: Extraction) -> ReferralReceived:
    """Return the referral of a submission; the same submission and bytes always give the same.

    Raises:
        pydantic.ValidationError: a fact that its schema does not admit; it quotes the input.
    """
    told = submission.__dict__
    facts: Facts = {fact: told[fact] for fact in _HANDED_ON}
    name = _name(extraction.fields)
    _add_lines(facts, extraction.fields)
    _add_patient(facts, extraction.fields, name)
    _add_request(facts, extraction)
    _add_fingerprints(facts, extraction)
    submission_id = submission.submission_id
    facts["event_id"] = derived_id(submission_id, 0)
    facts["referral_id"] = referral_id = referral_id_of(submission_id)
    facts["matching_key"] = (name.last and _key_of_name(submission.network_id, name.last)) or submission_id
    facts["missing_items"] = _missing_items(facts, extraction, name)
    facts["documents"] = _documents(submission, extraction, referral_id)
    return ReferralReceived.model_validate(facts)


def _add_lines(facts: Facts, fields: Fields) -> None:
    for fact, name in _LINES:
        facts[fact] = _line(fields.get(name))
    for fact, name in _REPEATED_LINES:
        facts[fact] = _repeated_line(fields.get(name))


def _add_patient(facts: Facts, fields: Fields, name: PersonName) -> None:
    get = fields.get
    facts["given_name"], facts["middle_name"], facts["last_name"] = name
    born, phone = get(FieldName.BIRTH_DATE), get(FieldName.PHONE)
    facts["birth_date"] = parse_birth_date(born, received_on=facts["received_at"].date()) if born else None
    facts["phone"] = normalise_phone(phone) if phone else None
    facts["sex"] = parse_sex(get(FieldName.SEX))
    facts["external_ids"] = _external_ids(get(FieldName.EXTERNAL_ID))


def _add_request(facts: Facts, extraction: Extraction) -> None:
    get = extraction.fields.get
    diagnosis, npi = get(FieldName.DIAGNOSIS), get(FieldName.REFERRING_NPI)
    facts["referring_provider"] = _provider(get(FieldName.REFERRING_PROVIDER))
    facts["referring_npi"] = parse_npi(npi) if npi else None
    facts["referring_contact"] = _contact(facts, get(FieldName.REFERRING_CONTACT))
    facts["specialty"] = specialty = _specialty(extraction.fields)
    facts["reason"] = _reason(get(FieldName.REASON), diagnosis)
    facts["diagnosis_codes"] = parse_diagnosis_codes(diagnosis) if diagnosis else ()
    facts["priority"] = parse_priority(get(FieldName.PRIORITY))
    facts["note"] = _note(extraction, specialty)


def _add_fingerprints(facts: Facts, extraction: Extraction) -> None:
    transmission = Transmission(
        # the same letter to two clinics is two referrals
        f"{facts['network_id']}/{facts['clinic_id']}",
        facts["source"],
        facts["received_at"],
        facts["source_message_id"],
        facts["content_digest"],
    )
    identifiers = Identifiers(facts["given_name"], facts["last_name"], facts["birth_date"], facts["phone"])
    # nobody reads a recording here: another one is another message
    recordings = (file.digest for file in extraction.files if file.role is FileRole.RECORDING)
    words = (*[facts[fact] for fact in _SUBSTANCE], *facts["diagnosis_codes"], *extraction.text_digests, *recordings)
    # urgency alone asks for nothing
    substance = (*words, facts["priority"]) if any(words) else ()
    facts["fingerprint"], facts["content_fingerprint"] = fingerprints_of(transmission, identifiers, substance)


def _missing_items(facts: Facts, extraction: Extraction, name: PersonName) -> tuple[MissingItem, ...]:
    known = Known(
        name.is_complete and not is_placeholder(name),
        facts["birth_date"] is not None,
        facts["phone"] is not None,
        facts["specialty"] is not None,
        facts["referring_provider"] is not None,
        facts["reason"] is not None,
    )
    return missing_items(known, troubles=extraction.troubles, channel=facts["channel"])


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


def _reason(reason: str | None, diagnosis: str | None) -> str | None:
    if reason and (clean := many_lines(reason)):
        return clean
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


def _contact(facts: Facts, written: str | None) -> str | None:
    if written:
        return _repeated_line(written)
    return str(facts["source"]) if facts["channel"] in _ANSWERABLE else None


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


@lru_cache(_CACHED)
def _repeated_line(written: str | None) -> str | None:
    return _line(written)


@lru_cache(_CACHED)
def _key_of_name(network_id: str, last_name: str) -> str | None:
    code = phonetic_code(last_name)
    return matching_key_of(network_id, code) if code else None


def _documents(submission: IntakeSubmitted, extraction: Extraction, referral_id: str) -> list[Facts]:
    original = {
        "document_id": named_id("document", referral_id, submission.content_digest),
        "kind": role_of_message(submission.channel, submission.content_type),
        "content_digest": submission.content_digest,
        "content_type": _repeated_line(submission.content_type) or _UNKNOWN_TYPE,
        "content_size": submission.content_size,
        "readable": extraction.is_message_readable,
    }
    if not extraction.files:
        return [original]
    found = [_document(file, referral_id, place, extraction) for place, file in enumerate(extraction.files)]
    # the same page attached twice is one document
    return list({document["document_id"]: document for document in (original, *found)}.values())


def _document(file: FoundFile, referral_id: str, place: int, extraction: Extraction) -> Facts:
    digest = file.digest or ""
    return {
        "document_id": named_id("document", referral_id, digest),
        "kind": file.role,
        "content_digest": digest,
        "content_type": one_line(file.content_type) or _UNKNOWN_TYPE,
        "content_size": file.size,
        "readable": place in extraction.readable,
    }
