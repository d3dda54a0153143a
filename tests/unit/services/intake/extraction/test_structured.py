"""Portal forms, table rows, HL7 and FHIR messages."""

import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.vocabulary import MissingItem
from services.intake.extraction.csv_row import read_csv_row
from services.intake.extraction.fhir import read_fhir
from services.intake.extraction.field_names import FieldName, Fields, field_of_key
from services.intake.extraction.findings import Finding, FoundFile, FoundText
from services.intake.extraction.forms import read_form
from services.intake.extraction.hl7_message import read_hl7

PDF = b"%PDF-1.4 letter"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.sampled_from(
        ["resourceType", "entry", "resource", "subject", "reference", "name", "given", "family", "telecom", "code",
         "coding", "text", "identifier", "value", "patient", "attachments", "digest", "fields", "contained"]
    ) | st.text(max_size=5), children, max_size=5),
    max_leaves=25,
)  # fmt: skip


def _text(findings: list[Finding]) -> FoundText:
    assert isinstance(findings[-1], FoundText)
    return findings[-1]


def _files(findings: list[Finding]) -> list[FoundFile]:
    return [finding for finding in findings if isinstance(finding, FoundFile)]


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("patient_name", FieldName.PATIENT_NAME),
        ("patientName", FieldName.PATIENT_NAME),
        ("Patient Name", FieldName.PATIENT_NAME),
        ("patient first_name", FieldName.GIVEN_NAME),
        ("patient phone", FieldName.PHONE),
        ("phone", FieldName.PHONE),
        ("referring phone", FieldName.REFERRING_CONTACT),
        ("referring provider", FieldName.REFERRING_PROVIDER),
        ("referrer organization", FieldName.REFERRING_ORGANISATION),
        ("insurance member_id", FieldName.MEMBER_ID),
        ("referral specialty", FieldName.SPECIALTY),
        ("date_of_birth", FieldName.BIRTH_DATE),
        ("received_at", None),
        ("emergency contact phone", None),
        ("x" * 10_000, None),
    ],
)
def test_keys_and_columns_are_understood(key: str, field: FieldName | None) -> None:
    assert field_of_key(key) is field


def test_a_flat_and_a_nested_form_tell_the_same() -> None:
    flat = read_form(b'{"patient_name": "Jane Roe", "patient_phone": "617", "diagnosis_codes": ["R00.2", "I10"]}')
    nested = read_form(
        b'{"patient": {"name": "Jane Roe", "phone": 617}, "referral": {"diagnosis_codes": ["R00.2", "I10"]}}'
    )

    assert _text(flat).fields == _text(nested).fields
    assert _text(flat).fields[FieldName.DIAGNOSIS] == "R00.2, I10"


@pytest.mark.parametrize(
    ("form", "trouble"),
    [
        (b"", MissingItem.MESSAGE_CONTENT),
        (b"{}", MissingItem.MESSAGE_CONTENT),
        (b'{"patient": {"name": "  "}}', MissingItem.MESSAGE_CONTENT),
        (b"[1]", MissingItem.READABLE_DOCUMENT),
        (b'{"a":', MissingItem.READABLE_DOCUMENT),
        (b"[" * 100_000, MissingItem.READABLE_DOCUMENT),
    ],
)
def test_a_form_that_tells_nothing_says_why(form: bytes, trouble: MissingItem) -> None:
    assert _text(read_form(form)).troubles == (trouble,)


def test_a_form_is_read_no_deeper_and_no_longer_than_its_limits() -> None:
    deep: dict[str, Any] = {"name": "Jane Roe"}
    for _ in range(50):
        deep = {"patient": deep}

    assert _text(read_form(orjson.dumps(deep))).fields == {}
    assert _text(read_form(orjson.dumps({f"k{n}": "x" for n in range(10_000)}))).fields == {}


def test_a_row_is_read_with_any_delimiter_and_charset() -> None:
    for delimiter, charset in ((",", "utf-8"), (";", "latin-1"), ("\t", "utf-16"), ("|", "utf-8-sig")):
        table = delimiter.join(["patient_name", "dob"]) + "\r\n" + delimiter.join(["José Roe", "1970-01-05"]) + "\r\n"

        fields = read_csv_row(table.encode(charset)).fields

        assert fields == {FieldName.PATIENT_NAME: "José Roe", FieldName.BIRTH_DATE: "1970-01-05"}


def test_the_guard_of_a_formula_cell_is_taken_off() -> None:
    assert read_csv_row(b"phone\n'+1 617 555 0123\n").fields[FieldName.PHONE] == "+1 617 555 0123"


@given(st.binary(max_size=300))
def test_no_bytes_stop_a_structured_reader(data: bytes) -> None:
    for reader in (read_form, read_hl7, read_fhir):
        assert isinstance(_text(reader(data)), FoundText)
    read_csv_row(data)
    read_hl7(b"MSH|^~\\&|" + data)


@given(JSON)
def test_no_json_stops_a_reader(value: object) -> None:
    data = orjson.dumps(value)

    assert isinstance(_text(read_form(data)), FoundText)
    assert isinstance(_text(read_fhir(data)), FoundText)


HL7 = (
    "MSH|^~\\&|CHART|ELM|BATON|RIVERSIDE|20260105||REF^I12|1|P|2.5.1\r"
    "RF1|P|S^Stat|CAR^Cardiology|||ORD-1|20260105|||R00.2^Palpitations \\T\\ fainting\r"
    "PRD|RT|Heart Clinic\r"
    "PRD|RP|Grant^Alan^^^Dr||^^^Elm Street|office@elm.example||1234567893^NPI\r"
    "PID|1||C-1^^^CHART^MR~987^^^STATE^SS||ROE^JANE^A||19700105|F|||||^PRN^PH^^^617^5550123~(617) 555-0199\r"
    "IN1|1|PLAN|77|Harbor Mutual||||||||||A-1||||||||||||||||||||||HM-1\r"
    "DG1|1||R00.2^Palpitations^I10\rPR1|1||93306^Echocardiogram\rNTE|1||Please call\rNTE|2||in the morning\r"
)


def _hl7(text: str) -> Fields:
    return _text(read_hl7(text.encode())).fields


def test_an_hl7_referral_is_read() -> None:
    assert _hl7(HL7) == {
        FieldName.PRIORITY: "stat",
        FieldName.SPECIALTY: "Cardiology",
        FieldName.ORDER_NUMBER: "ORD-1",
        FieldName.REASON: "Palpitations & fainting",
        FieldName.REFERRING_PROVIDER: "Dr Alan Grant",
        FieldName.REFERRING_ORGANISATION: "Elm Street",
        FieldName.REFERRING_NPI: "1234567893",
        FieldName.REFERRING_CONTACT: "office@elm.example",
        FieldName.LAST_NAME: "ROE",
        FieldName.GIVEN_NAME: "JANE",
        FieldName.MIDDLE_NAME: "A",
        FieldName.BIRTH_DATE: "19700105",
        FieldName.SEX: "F",
        FieldName.PHONE: "6175550123",
        FieldName.MRN: "C-1",
        FieldName.EXTERNAL_ID: "STATE.SS|987",
        FieldName.PAYER: "Harbor Mutual",
        FieldName.MEMBER_ID: "HM-1",
        FieldName.AUTHORISATION: "A-1",
        FieldName.DIAGNOSIS: "R00.2",
        FieldName.SERVICE: "Echocardiogram",
        FieldName.NOTE: "Please call\nin the morning",
    }


def test_segments_may_end_in_any_way_and_other_delimiters_may_be_declared() -> None:
    assert (
        _hl7(HL7.replace("\r", "\n")) == _hl7(HL7.replace("\r", "\r\n")) == _hl7("\x0b" + HL7 + "\x1c\r") == _hl7(HL7)
    )
    other = HL7.replace("|", "#").replace("^", "@")
    assert _hl7(other)[FieldName.LAST_NAME] == "ROE"


def test_a_declared_charset_is_used() -> None:
    message = (
        "MSH|^~\\&|A|B|C|D|1||REF^I12|1|P|2.5.1|||||| 8859/1".replace(" 8859/1", "8859/1") + "\rPID|1||||Muñoz^José"
    )

    assert _text(read_hl7(message.encode("latin-1"))).fields[FieldName.LAST_NAME] == "Muñoz"


def test_an_explicit_null_is_nothing() -> None:
    assert FieldName.PHONE not in _hl7('MSH|^~\\&|\rPID|1||||ROE^JANE||||||||""')


def test_an_embedded_document_is_found() -> None:
    data = base64.b64encode(PDF).decode()

    (file,) = _files(read_hl7(f"{HL7}OBX|1|ED|L^Letter||^application^pdf^Base64^{data}\r".encode()))

    assert (file.data, file.content_type) == (PDF, "application/pdf")


@pytest.mark.parametrize("data", [b"MSH", b"MSH|", b"MSH|\rPID|1", b"MSHA^~\\&A", b"PID|1"])
def test_a_message_without_a_header_is_unreadable(data: bytes) -> None:
    assert _text(read_hl7(data)).troubles == (MissingItem.READABLE_DOCUMENT,)


def _bundle(*resources: dict[str, Any]) -> list[Finding]:
    return read_fhir(orjson.dumps({"resourceType": "Bundle", "entry": [{"resource": r} for r in resources]}))


PALPITATIONS = {"text": "Palpitations", "coding": [{"code": "R00.2"}]}
PATIENT = {"resourceType": "Patient", "id": "p", "name": [{"family": "Roe", "given": ["Jane", "Ann"]}]}
REQUEST = {"resourceType": "ServiceRequest", "subject": {"reference": "Patient/p"}, "priority": "urgent"}


def test_references_are_followed() -> None:
    request = REQUEST | {
        "requester": {"reference": "PractitionerRole/r"},
        "insurance": [{"reference": "Coverage/c"}],
        "reasonReference": [{"reference": "#d"}],
        "contained": [{"resourceType": "Condition", "id": "d", "code": PALPITATIONS}],
        "category": [{"text": "Cardiology"}],
    }  # fmt: skip
    role = {"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/g"},
            "organization": {"reference": "Organization/o"}}  # fmt: skip
    doctor = {"resourceType": "Practitioner", "id": "g", "name": [{"family": "Grant", "given": ["Alan"]}]}
    office = {"resourceType": "Organization", "id": "o", "name": "Elm Street", "telecom": [{"value": "617-555-9999"}]}
    cover = {"resourceType": "Coverage", "id": "c", "payor": [{"display": "Harbor Mutual"}], "subscriberId": "HM-1"}

    fields = _text(_bundle(request, PATIENT, role, doctor, office, cover)).fields

    assert fields == {
        FieldName.LAST_NAME: "Roe",
        FieldName.GIVEN_NAME: "Jane",
        FieldName.MIDDLE_NAME: "Ann",
        FieldName.REFERRING_PROVIDER: "Alan Grant",
        FieldName.REFERRING_ORGANISATION: "Elm Street",
        FieldName.REFERRING_CONTACT: "617-555-9999",
        FieldName.SPECIALTY: "Cardiology",
        FieldName.REASON: "Palpitations",
        FieldName.DIAGNOSIS: "R00.2",
        FieldName.PRIORITY: "urgent",
        FieldName.PAYER: "Harbor Mutual",
        FieldName.MEMBER_ID: "HM-1",
    }


def test_requests_for_two_patients_are_noticed() -> None:
    other = REQUEST | {"subject": {"reference": "Patient/q"}}

    assert _text(_bundle(REQUEST, other, PATIENT)).troubles == (MissingItem.SINGLE_PATIENT,)


def test_an_attached_document_is_found() -> None:
    data = base64.b64encode(PDF).decode()
    letter = {"resourceType": "DocumentReference", "content": [{"attachment": {"data": data}}]}

    (file,) = _files(_bundle(REQUEST, PATIENT, letter))

    assert (file.data, file.content_type) == (PDF, "application/pdf")
