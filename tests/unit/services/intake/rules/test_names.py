"""Names as people and systems write them."""

from unicodedata import category

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.intake.rules.names import (
    _SUFFIXES,
    _TITLES,
    NOBODY,
    PersonName,
    is_placeholder,
    name_of_parts,
    parse_name,
)

WORD = st.text(alphabet="abcdefghijklmnopqrstuvwxyzáéíóúñüçøß", min_size=2, max_size=10)
TITLES_AND_SUFFIXES = _TITLES | _SUFFIXES
WORDS = st.lists(WORD, min_size=1, max_size=5).map(" ".join)
WRITTEN = st.one_of(WORDS, WORDS.map(str.upper), WORDS.map(str.title))


@pytest.mark.parametrize(
    ("written", "given_name", "middle", "last"),
    [
        ("Jane Roe", "Jane", None, "Roe"),
        ("ROE, JANE A", "Jane", "A", "Roe"),
        ("GARCIA LOPEZ, MARIA ELENA", "Maria", "Elena", "Garcia Lopez"),
        ("Maria de la Cruz", "Maria", None, "de la Cruz"),
        ("DE LA CRUZ, MARIA", "Maria", None, "de la Cruz"),
        ("O'BRIEN, SEAN JR", "Sean", None, "O'Brien"),
        ("o’brien, sean", "Sean", None, "O'Brien"),
        ("JOHN MCDONALD", "John", None, "McDonald"),
        ("John McDonald III", "John", None, "McDonald"),
        ("Smith, Jr., John", "John", None, "Smith"),
        ("Dr. Helen Marsh, MD", "Helen", None, "Marsh"),
        ("TUAN DO", "Tuan", None, "Do"),
        ('Robert "Bob" Smith', "Robert", None, "Smith"),
        ("jane smith-jones", "Jane", None, "Smith-Jones"),
        ("José Muñoz", "José", None, "Muñoz"),
        ("Jose\u0301 Munoz", "José", None, "Munoz"),
        ("Smith", None, None, "Smith"),
        ("Unknown", None, None, None),
        ("N/A", None, None, None),
        ("", None, None, None),
    ],
)
def test_a_written_name_is_read(written: str, given_name: str | None, middle: str | None, last: str | None) -> None:
    assert parse_name(written) == PersonName(given_name, middle, last)


@given(WRITTEN)
def test_reading_the_sort_form_gives_the_same_name(written: str) -> None:
    name = parse_name(written)
    assume(name.is_complete)
    assume(not any(word.lower().rstrip(".") in TITLES_AND_SUFFIXES for word in name.sort_form.replace(",", "").split()))

    assert parse_name(name.sort_form) == name


@given(WORD, WORD)
def test_capitals_make_no_difference(given_name: str, last: str) -> None:
    capitals = name_of_parts(given=given_name.upper(), last=last.upper())
    small = name_of_parts(given=given_name.upper().lower(), last=last.upper().lower())

    assert capitals == small


@given(st.text(max_size=300))
def test_no_text_is_refused_and_what_comes_out_is_clean(written: str) -> None:
    for part in parse_name(written):
        assert part is None or (part == part.strip() != "")
        assert not any(category(letter) in ("Cc", "Cs") for letter in part or "")


def test_placeholders_are_known_and_kept() -> None:
    name = parse_name("DOE, JOHN")

    assert is_placeholder(name)
    assert name.is_complete
    assert not is_placeholder(parse_name("Jane Roe"))


def test_a_name_without_a_given_name_is_not_complete() -> None:
    assert not parse_name("Smith").is_complete
    assert not NOBODY.is_complete
