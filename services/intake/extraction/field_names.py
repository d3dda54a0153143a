"""The fields a sender can fill in, and all the words by which senders call them."""

import re
from enum import StrEnum
from functools import lru_cache


class FieldName(StrEnum):
    """A fact of a referral as the sender wrote it."""

    PATIENT_NAME = "patient_name"
    GIVEN_NAME = "given_name"
    MIDDLE_NAME = "middle_name"
    LAST_NAME = "last_name"
    BIRTH_DATE = "birth_date"
    SEX = "sex"
    PHONE = "phone"
    MRN = "mrn"
    EXTERNAL_ID = "external_id"
    REFERRING_PROVIDER = "referring_provider"
    REFERRING_NPI = "referring_npi"
    REFERRING_ORGANISATION = "referring_organisation"
    REFERRING_CONTACT = "referring_contact"
    SPECIALTY = "specialty"
    SERVICE = "service"
    REASON = "reason"
    DIAGNOSIS = "diagnosis"
    ORDER_NUMBER = "order_number"
    PRIORITY = "priority"
    PAYER = "payer"
    MEMBER_ID = "member_id"
    AUTHORISATION = "authorisation"
    NOTE = "note"
    TRANSCRIPT = "transcript"
    #: labels whose meaning depends on the part of the form they stand in
    ANY_NAME = "any_name"
    ANY_PHONE = "any_phone"
    ANY_FAX = "any_fax"
    ANY_ID = "any_id"
    #: labels that end the value before them and are of no use themselves
    IGNORED = "ignored"


Fields = dict[FieldName, str]

_LABELS: dict[FieldName, str] = {
    FieldName.PATIENT_NAME: """patient; patient name; patient full name; pt; pt name; name of patient; full name;
        patient's name; member name; re patient; client name; caller patient; patient 1;
        patient 2; patient 3; patient one; patient two""",
    FieldName.GIVEN_NAME: """first name; given name; patient first name; patient given name; first; given; forename;
        patient name first; patient name given""",
    FieldName.MIDDLE_NAME: "middle name; middle; middle initial; patient middle name; mi; patient name middle",
    FieldName.LAST_NAME: """last name; surname; family name; patient last name; patient surname; patient family name;
        last; family; patient name last; patient name family""",
    FieldName.BIRTH_DATE: """dob; d.o.b.; d.o.b; date of birth; birth date; birthdate; patient dob; pt dob;
        patient date of birth; patient birth date; born; birthday; patient dob mm/dd/yyyy; dob mm/dd/yyyy;
        date of birth mm/dd/yyyy""",
    FieldName.SEX: "sex; gender; patient sex; patient gender; administrative sex; sex at birth",
    FieldName.PHONE: """patient phone; patient phone number; patient telephone; home phone; cell; cell phone; mobile;
        mobile phone; pt phone; callback number; call back number; callback; call back; callback phone; patient cell;
        patient mobile; best phone; best number; contact number; patient tel; primary phone; day phone; home;
        patient contact number; patient home phone; patient cell phone; patient mobile phone; call back phone""",
    FieldName.MRN: """mrn; medical record number; medical record; patient mrn; record number; chart; chart number;
        patient id; pt id; mr""",
    FieldName.EXTERNAL_ID: "external id; external patient id; patient external id",
    FieldName.REFERRING_PROVIDER: """referring provider; referring physician; referring doctor; referred by;
        referring; referring clinician; referring md; referring provider name; referring physician name; referrer;
        referrer name; requesting provider; requesting physician; ordering provider; ordering physician; provider;
        physician; referring dr; pcp; referring practitioner; provider name; physician name; referrer provider;
        requester; referral from; referring name; requested by; ordered by""",
    FieldName.REFERRING_NPI: """npi; referring npi; provider npi; referring provider npi; physician npi; npi number;
        referrer npi; referring physician npi""",
    FieldName.REFERRING_ORGANISATION: """referring organisation; referring organization; referring office;
        referring practice; practice; practice name; referring clinic; organization; organisation; office;
        referring facility; facility; referrer organisation; referrer organization; clinic name; referrer office;
        referrer practice; office name; referring office name; company""",
    FieldName.REFERRING_CONTACT: """referring contact; referring phone; office phone; provider phone; referring fax;
        office fax; practice phone; referring provider phone; referring provider fax; referrer phone; referrer email;
        referring email; referrer contact; referring office phone; referring office fax; physician phone;
        return fax; referrer fax; provider fax; referring provider contact; practice fax; referring physician phone""",
    FieldName.SPECIALTY: """specialty; speciality; requested specialty; referral type; refer to specialty;
        specialty requested; department; referred to specialty; referral to; refer to; referred to; referral for;
        type of referral; specialist type; consult type; service line; to specialty; request specialty""",
    FieldName.SERVICE: """service; service requested; requested service; procedure; procedure requested; order;
        services requested; test requested; study; requested procedure; evaluation type; visit type""",
    FieldName.REASON: """reason; reason for referral; referral reason; reason for consult; reason for consultation;
        reason for visit; indication; clinical question; chief complaint; reason for call; complaint;
        clinical indication; message; reason of referral; presenting problem; problem""",
    FieldName.DIAGNOSIS: """dx; diagnosis; diagnoses; icd-10; icd10; icd 10; icd; icd code; diagnosis code;
        diagnosis codes; icd-10 code; icd-10 codes; dx code; dx codes; primary diagnosis; icd10 code; icd10 codes""",
    FieldName.ORDER_NUMBER: """order number; order no; referral number; referral id; order id; request number;
        referral no; order; placer order number; reference number; referral order number""",
    FieldName.PRIORITY: "priority; urgency; referral priority; urgent; priority level; referral urgency",
    FieldName.PAYER: """insurance; payer; insurance company; insurance name; insurance carrier; carrier; health plan;
        primary insurance; insurance payer; plan; plan name; insurance plan; payor; insurance provider;
        insurance payer name; insurer""",
    FieldName.MEMBER_ID: """member id; member number; member no; insurance id; subscriber id; policy number; policy;
        policy id; insurance member id; insurance member; id number; member; insurance number; insurance policy number;
        member id number; subscriber number""",
    FieldName.AUTHORISATION: """auth; authorization; authorisation; auth number; authorization number;
        authorisation number; prior auth; prior authorization; prior authorisation; auth no; prior auth number;
        insurance authorisation number; insurance authorization number; prior authorization number; pa number;
        insurance authorization; insurance authorisation; insurance auth; auth code; prior authorisation number""",
    FieldName.NOTE: """note; notes; comment; comments; additional information; additional notes; remarks;
        clinical notes; history; clinical history; other""",
    FieldName.TRANSCRIPT: "transcript; transcription; voicemail transcript; message text; transcribed text; text",
    FieldName.ANY_NAME: "name",
    FieldName.ANY_PHONE: "phone; tel; telephone; phone number; tel no; ph; telephone number; contact phone",
    FieldName.ANY_FAX: "fax; fax number; facsimile",
    FieldName.ANY_ID: "id; number",
    FieldName.IGNORED: """date; address; patient address; street; city; state; zip; email; e-mail; patient email; age;
        ssn; pages; page; from; to; sent; subject; re; attn; attention; allergies; medications; meds; vitals; language;
        interpreter; group; group number; group no; guarantor; emergency contact; marital status; date of referral;
        referral date; date of request; appointment date; signature; signed; signature date; effective date; time;
        duration; caller; caller id; mailbox; received; date received; subscriber; subscriber name; subscriber dob;
        relationship; emergency contact phone; emergency phone; guarantor phone; guarantor name; pharmacy;
        pharmacy phone; pcp phone; insurance phone; plan phone; payer phone; specialist; recipient; recipient fax;
        date of service; patient age; status; referral status; number of visits; visits; pharmacy name; mother;
        mother's name; father; father's name; parent; guardian; parent name; guardian name; parent phone;
        guardian phone; emergency contact name; policy holder; policyholder; policyholder dob; policy holder dob;
        work phone; email address; received at; call time; recording; file; audio""",
}
LONGEST_LABEL_WORDS = 5
_NOT_WORD_CHARACTERS = re.compile(r"[^a-z0-9]+")
_LONGEST_KEY = 80
_CACHED = 512


def squash(label: str) -> str:
    """Return a label in the one form in which labels are compared."""
    return _NOT_WORD_CHARACTERS.sub("", label.lower())


_BY_LABEL: dict[str, FieldName] = {
    squash(label): field for field, labels in reversed(_LABELS.items()) for label in labels.split(";")
}
#: in a form of our own or a spreadsheet row there is one patient, and the bare words are about it
_IN_STRUCTURE = {
    FieldName.ANY_NAME: FieldName.PATIENT_NAME,
    FieldName.ANY_PHONE: FieldName.PHONE,
}
_NO_USE = frozenset({FieldName.IGNORED, FieldName.ANY_FAX, FieldName.ANY_ID})


def labelled(label: str) -> FieldName | None:
    """Return the field that a printed label announces, or None when it is no label."""
    return _BY_LABEL.get(squash(label)) if len(label) <= _LONGEST_KEY else None


@lru_cache(_CACHED)
def field_of_key(key: str) -> FieldName | None:
    """Return the field that a key of a form or a column of a table holds, or None when it is of no use."""
    if len(key) > _LONGEST_KEY:
        return None
    squashed = squash(key)
    field = _BY_LABEL.get(squashed) or _by_owner(squashed)
    if field is None or field in _NO_USE:
        return None
    return _IN_STRUCTURE.get(field, field)


class KeysUnder(dict[str, FieldName | None]):
    """The fields of the keys under a prefix, looked up once; forms of one portal have the same keys each time."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    def __missing__(self, key: str) -> FieldName | None:
        name = field_of_key(self._prefix + key)
        if len(self) < _CACHED:
            self[key] = name
        return name


@lru_cache(_CACHED)
def keys_under(prefix: str) -> KeysUnder:
    """Return the fields of the keys under a prefix."""
    return KeysUnder(prefix)


def _by_owner(squashed: str) -> FieldName | None:
    # nested forms: "patient" / "phone" arrives as "patient phone", "insurance" / "payer" as "insurance payer"
    for owner in ("patient", "referral", "insurance", "request", "form"):
        if squashed.startswith(owner):
            return _BY_LABEL.get(squashed.removeprefix(owner))
    for owner in ("referrer", "referringprovider", "referring", "provider", "requester"):
        if squashed.startswith(owner):
            return _OF_REFERRER.get(squashed.removeprefix(owner))
    return None


_OF_REFERRER = {
    "name": FieldName.REFERRING_PROVIDER,
    "fullname": FieldName.REFERRING_PROVIDER,
    "npi": FieldName.REFERRING_NPI,
    "organization": FieldName.REFERRING_ORGANISATION,
    "organisation": FieldName.REFERRING_ORGANISATION,
    "organizationname": FieldName.REFERRING_ORGANISATION,
    "phone": FieldName.REFERRING_CONTACT,
    "fax": FieldName.REFERRING_CONTACT,
    "email": FieldName.REFERRING_CONTACT,
    "contact": FieldName.REFERRING_CONTACT,
}
