import pytest

from schemas.phonetic import phonetic_code


@pytest.mark.parametrize(
    ("one", "other"),
    [("Smith", "SMYTH"), ("García", "Garsia"), ("O'Brien", "Obrien"), ("de la Cruz", "De La Cruz")],
)
def test_spellings_that_should_meet_have_one_code(one: str, other: str) -> None:
    assert phonetic_code(one) == phonetic_code(other) != ""


def test_other_names_have_other_codes() -> None:
    assert len({phonetic_code(name) for name in ("Kowalski", "Nowak", "Nguyen", "李", "Аня")}) == 5


@pytest.mark.parametrize("nothing", ["", " ", "-", "123"])
def test_nothing_to_code_has_no_code(nothing: str) -> None:
    assert phonetic_code(nothing) == ""
