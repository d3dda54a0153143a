import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matcher.rules.agreement import Agreement
from services.matcher.rules.names import compare_given_names, compare_last_names, compare_middle_names, fold

NAMES = st.sampled_from(
    ["anna", "ann", "mary ann", "mary beth", "bill", "william", "jayden", "jaylen", "j", "o neil", "kowalski", ""]
) | st.text(alphabet="abcdefghijklmnop ", max_size=12).map(fold)


@pytest.mark.parametrize(
    ("written", "folded"),
    [("O'Brien", "obrien"), ("García-López", "garcia lopez"), ("SMITH, Jr.", "smith"), ("李", "李"), ("Jr", "jr")],
)
def test_fold_removes_what_is_not_the_name(written: str, folded: str) -> None:
    assert fold(written) == folded


@pytest.mark.parametrize(
    ("one", "other", "agreement"),
    [
        ("anna", "anna", Agreement.SAME),
        ("william", "bill", Agreement.ALIKE),
        ("elizabeth", "liz", Agreement.ALIKE),
        ("sarah", "sara", Agreement.ALIKE),
        ("katherine", "kathcrine", Agreement.ALIKE),
        ("mary ann", "mary", Agreement.ALIKE),
        ("mary ann", "mary beth", Agreement.DIFFERENT),
        ("a", "anna", Agreement.WEAK),
        ("b", "anna", Agreement.DIFFERENT),
        ("jayden", "jaylen", Agreement.DIFFERENT),
        ("maria", "marie", Agreement.DIFFERENT),
        ("madison", "addison", Agreement.DIFFERENT),
        ("anna", "peter", Agreement.DIFFERENT),
        ("", "anna", Agreement.UNKNOWN),
    ],
)
def test_given_names_agree_as_people_use_them(one: str, other: str, agreement: Agreement) -> None:
    assert compare_given_names(one, other).agreement is agreement


@pytest.mark.parametrize(
    ("one", "other", "agreement"),
    [
        ("smith", "smith", Agreement.SAME),
        ("smith", "smyth", Agreement.ALIKE),
        ("kowalski", "kowa1ski".replace("1", "i"), Agreement.ALIKE),
        ("garcia lopez", "garcia", Agreement.ALIKE),
        ("smith", "jones", Agreement.DIFFERENT),
        ("lee", "lowe", Agreement.DIFFERENT),
        ("", "smith", Agreement.UNKNOWN),
    ],
)
def test_last_names_agree_when_they_sound_or_look_alike(one: str, other: str, agreement: Agreement) -> None:
    assert compare_last_names(one, other).agreement is agreement


def test_middle_initial_is_as_good_as_the_middle_name() -> None:
    assert compare_middle_names("j", "james").agreement is Agreement.ALIKE


@given(NAMES, NAMES)
def test_comparison_does_not_depend_on_the_order(one: str, other: str) -> None:
    for compare in (compare_given_names, compare_last_names, compare_middle_names):
        there, back = compare(one, other), compare(other, one)

        assert there.agreement is back.agreement
        assert there.score == pytest.approx(back.score)
        assert 0 <= there.score <= 1
