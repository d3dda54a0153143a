"""Priorities, specialties, identifiers, phonetic codes and missing items."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.phonetic import phonetic_code
from schemas.vocabulary import Channel, MissingItem, Priority, Sex
from services.intake.rules.identifiers import parse_diagnosis_codes, parse_npi, parse_sex
from services.intake.rules.priority import parse_priority
from services.intake.rules.required_fields import REQUIRED, Known, missing_items
from services.intake.rules.specialty import SPECIALTIES, recognise_specialty
from services.intake.rules.texts import many_lines, one_line


@pytest.mark.parametrize(
    ("written", "priority"),
    [
        ("STAT", Priority.STAT),
        ("S", Priority.STAT),
        ("Urgent - see this week", Priority.URGENT),
        ("asap/urgent", Priority.ASAP),
        ("non-urgent", Priority.ROUTINE),
        ("not urgent", Priority.ROUTINE),
        ("Normal", Priority.ROUTINE),
        ("whenever", Priority.ROUTINE),
        (None, Priority.ROUTINE),
    ],
)
def test_a_written_priority_is_read(written: str | None, priority: Priority) -> None:
    assert parse_priority(written) is priority


@pytest.mark.parametrize(
    ("written", "specialty"),
    [
        ("Cardiology", "cardiology"),
        ("cardio", "cardiology"),
        ("CARDIOLOGIST", "cardiology"),
        ("Orthopaedic Surgery", "orthopedics"),
        ("Ear, Nose & Throat", "ent"),
        ("Ear, nose and throat", "ent"),
        ("GI", "gastroenterology"),
        ("PT", "physical_therapy"),
        ("the pt will call", None),
        ("Hematology/Oncology", "oncology"),
        ("Cardiology or Neurology", None),
        ("Dept. of Neurology", "neurology"),
        ("Jane Roe", None),
        ("", None),
    ],
)
def test_a_written_specialty_is_recognised(written: str, specialty: str | None) -> None:
    assert recognise_specialty(written) == specialty


@given(st.text(max_size=100))
def test_only_words_of_the_list_are_specialties(written: str) -> None:
    assert recognise_specialty(written) in (None, *SPECIALTIES)


def test_an_npi_needs_its_check_digit() -> None:
    assert parse_npi("NPI 1234567893") == "1234567893"
    assert parse_npi("1234567890") is None
    assert parse_npi("none") is None


def test_diagnosis_codes_are_found_once_and_in_order() -> None:
    assert parse_diagnosis_codes("R00.2 palpitations, i20.9; R00.2") == ("R00.2", "I20.9")
    assert parse_diagnosis_codes("chest pain") == ()


def test_sex_is_read_or_unknown() -> None:
    assert [parse_sex(text) for text in ("F", " Male ", "x", "?", None)] == [
        Sex.FEMALE, Sex.MALE, Sex.OTHER, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [("Schmidt", "Schmitt"), ("O'Brien", "OBrien"), ("McDonald", "MacDonald"), ("Müller", "Mueller"),
     ("de la Cruz", "Delacruz"), ("Muñoz", "Munoz"), ("Smith-Jones", "Smith Jones"), ("SMITH", "Smyth")],
)  # fmt: skip
def test_spellings_of_one_name_sound_alike(one: str, other: str) -> None:
    assert phonetic_code(one) == phonetic_code(other) != ""


@given(st.text(max_size=40))
def test_capitals_and_marks_do_not_change_the_sound(name: str) -> None:
    assert phonetic_code(name) == phonetic_code(f" {name.strip()}. ")


def test_a_name_in_another_script_still_has_a_code_and_signs_have_none() -> None:
    assert phonetic_code("李") not in ("", phonetic_code("王"))
    assert phonetic_code("123 - ?") == ""


def test_nothing_known_lacks_every_required_fact_in_order() -> None:
    nothing = Known(*[False] * len(REQUIRED))

    assert missing_items(nothing, troubles=(), channel=Channel.MAIL) == REQUIRED


def test_a_complete_referral_lacks_nothing_and_needs_no_call() -> None:
    assert missing_items(Known(*[True] * len(REQUIRED)), troubles=(), channel=Channel.VOICEMAIL) == ()


def test_an_incomplete_voicemail_is_called_back() -> None:
    known = Known(*[True] * len(REQUIRED))._replace(reason=False)

    assert missing_items(known, troubles=(), channel=Channel.VOICEMAIL) == (MissingItem.REASON, MissingItem.CALL_BACK)
    assert missing_items(known, troubles=(), channel=Channel.FAX) == (MissingItem.REASON,)


def test_troubles_of_reading_are_missing_items_even_if_all_facts_are_known() -> None:
    known = Known(*[True] * len(REQUIRED))

    assert missing_items(known, troubles={MissingItem.SINGLE_PATIENT}, channel=Channel.FAX) == (
        MissingItem.SINGLE_PATIENT,
    )


@given(st.text(max_size=500))
def test_cleaned_text_can_be_stored_and_cleaning_it_again_changes_nothing(text: str) -> None:
    for clean in (one_line(text), many_lines(text)):
        assert "\x00" not in clean
        clean.encode()
    assert one_line(one_line(text)) == one_line(text)
    assert "\n" not in one_line(text)


def test_long_text_is_cut() -> None:
    assert len(one_line("x" * 1000)) == 200
    assert len(many_lines("x\n" * 100_000)) <= 20_000
