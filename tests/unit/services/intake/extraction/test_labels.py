"""Labelled fields in mail bodies and in the text of PDFs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.extraction.field_names import FieldName
from services.intake.extraction.labels import contradicts_birth_date, is_other_patient, read_labels

EXPECTED = {
    FieldName.PATIENT_NAME: "Jane Roe",
    FieldName.BIRTH_DATE: "01/05/1970",
    FieldName.PHONE: "617-555-0123",
    FieldName.REFERRING_PROVIDER: "Dr. Alan Grant",
    FieldName.SPECIALTY: "Cardiology",
    FieldName.REASON: "Palpitations",
}
LAYOUTS = {
    "a line each": "Patient: Jane Roe\nDOB: 01/05/1970\nPhone: 617-555-0123\nReferring provider: Dr. Alan Grant\n"
    "Specialty: Cardiology\nReason: Palpitations",
    "two columns": "Patient: Jane Roe   DOB: 01/05/1970\nPhone: 617-555-0123\tReferred by: Dr. Alan Grant\n"
    "Specialty: Cardiology   Reason: Palpitations",
    "one blank apart": "Patient Name: Jane Roe DOB: 01/05/1970 Phone: 617-555-0123\n"
    "Referring physician: Dr. Alan Grant Specialty: Cardiology Reason: Palpitations",
    "value below": "Patient Name\nJane Roe\nDate of Birth\n01/05/1970\nPatient Phone\n617-555-0123\n"
    "Referring Provider\nDr. Alan Grant\nSpecialty\nCardiology\nReason for Referral\nPalpitations",
    "columns without colons": "Patient Name    Jane Roe      DOB   01/05/1970\nHome Phone   617-555-0123\n"
    "Referring Provider   Dr. Alan Grant\nSpecialty   Cardiology\nReason for referral   Palpitations",
    "table": "Patient   DOB   Tel\nJane Roe   01/05/1970   617-555-0123\n"
    "Referring Provider   Specialty   Reason\nDr. Alan Grant   Cardiology   Palpitations",
    "dashes": "Patient - Jane Roe\nDOB - 01/05/1970\nTel - 617-555-0123\nReferred by - Dr. Alan Grant\n"
    "Refer to - Cardiology\nReason - Palpitations",
    "sections": "PATIENT INFORMATION\nName: Jane Roe\nDOB 01/05/1970\nPhone: 617-555-0123\n\n"
    "REFERRING PROVIDER INFORMATION\nName: Dr. Alan Grant\nPhone: 617-555-9999\n\n"
    "Specialty: Cardiology\nReason: Palpitations",
    "letterhead": "Elm Street Family Practice\n1 Elm Street   Tel: 617-555-9999   Fax: 617-555-9998\n\n"
    "Patient: Jane Roe\nDOB: 01/05/1970\nPhone: 617-555-0123\nReferring provider: Dr. Alan Grant\n"
    "Specialty: Cardiology\nReason: Palpitations",
    "bars": "| Patient | Jane Roe |\n| DOB | 01/05/1970 |\n| Phone | 617-555-0123 |\n"
    "| Referring provider | Dr. Alan Grant |\n| Specialty | Cardiology |\n| Reason | Palpitations |",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_fields_are_found_in_every_layout(layout: str) -> None:
    found = read_labels(LAYOUTS[layout])

    assert {name: found.fields.get(name) for name in EXPECTED} == EXPECTED
    assert not found.has_two_patients


def test_a_bare_phone_beside_the_referrer_is_the_referrers() -> None:
    fields = read_labels("Patient: Jane Roe\nReferring provider: Dr. Grant   Phone: 617-555-9999").fields

    assert FieldName.PHONE not in fields
    assert fields[FieldName.REFERRING_CONTACT] == "617-555-9999"


def test_names_of_other_people_are_not_the_patients() -> None:
    text = "Patient: Jane Roe\nEmergency contact: John Roe\nEmergency phone: 617-555-1\nSubscriber name: Jim Roe"

    assert read_labels(text).fields == {FieldName.PATIENT_NAME: "Jane Roe"}


def test_a_reason_goes_on_until_a_blank_line_or_the_next_label() -> None:
    text = "Reason: Palpitations\non exertion\nsince May\n\nThank you\nDx: R00.2"
    found = read_labels(text)

    assert found.fields[FieldName.REASON] == "Palpitations\non exertion\nsince May"
    assert found.unlabelled == ["Thank you"]


def test_words_inside_a_sentence_are_no_labels() -> None:
    found = read_labels("I told the patient: he should call at 10:30, see http://x.example and bring his card")

    assert found.fields == {}


def test_two_patients_are_noticed_and_only_the_first_is_read() -> None:
    found = read_labels("Patient: Jane Roe\nDOB: 01/05/1970\n\nPatient: Marco Bellini\nPhone: 617-555-0177")

    assert found.has_two_patients
    assert found.fields == {FieldName.PATIENT_NAME: "Jane Roe", FieldName.BIRTH_DATE: "01/05/1970"}


def test_one_patient_written_twice_is_one() -> None:
    assert not read_labels("Patient: Jane Roe\nPatient name: ROE, JANE A\nPatient: J. Roe").has_two_patients


def test_two_dates_of_birth_leave_none() -> None:
    assert (
        read_labels("Patient: Jane Roe\nDOB: 01/05/1970\nDate of birth: 05/01/1970").fields[FieldName.BIRTH_DATE] == ""
    )


def test_the_same_date_written_in_two_ways_is_kept() -> None:
    one, other = {FieldName.BIRTH_DATE: "01/05/1970"}, {FieldName.BIRTH_DATE: "1970-01-05"}

    assert not contradicts_birth_date(one, other)
    assert not is_other_patient(one, other)


@given(st.text(max_size=2000) | st.lists(st.sampled_from([*LAYOUTS["sections"].split(), "\n", "   "])).map(" ".join))
def test_no_text_is_refused(text: str) -> None:
    for value in read_labels(text).fields.values():
        assert len(value) <= len(text) + 1


def test_a_huge_text_is_read_in_proportion() -> None:
    read_labels("Patient: " * 100_000)
    read_labels("a: b - c = d | " * 50_000 + "\n" * 100_000)
