"""What is told of a check: counts, the first ids, and no content of a foreign writer."""

from baton.verify.checks import disagreement
from baton.verify.findings import Invariant, Report, Verdict


def report_of(*ids: str, count: int | None = None) -> Report:
    found = disagreement("lost thing", count or len(ids), ids)
    sound = Verdict(Invariant.AUDIT, {"rows": 3}, ())
    return Report((Verdict(Invariant.EXISTS_ONCE, {"submissions": 9}, (found,) if ids else ()), sound))


def test_a_sound_invariant_is_one_line_with_its_counts() -> None:
    assert report_of().is_sound
    assert report_of().lines()[1] == "G  ok         audit chains are whole, one row a change: 3 rows"


def test_disagreements_stand_below_their_invariant() -> None:
    lines = report_of("R-1", "R-2").lines()

    assert lines[0].startswith("A  DISAGREES")
    assert lines[1].endswith("2 x lost thing: R-1, R-2")


def test_only_the_first_ids_are_told_and_all_are_counted() -> None:
    report = report_of(*(f"R-{number}" for number in range(50)), count=50)

    (verdict, _) = report.verdicts
    assert len(verdict.disagreements[0].ids) == 20
    assert report.lines()[1].endswith("and 30 more")


def test_what_does_not_look_like_an_id_is_not_told() -> None:
    assert report_of("Zoë Müller <zoe@example>").verdicts[0].disagreements[0].ids == ("(not shown)",)


def test_the_report_for_machines_says_the_same() -> None:
    told = report_of("R-1").as_json()

    assert told["is_sound"] is False
    invariants = told["invariants"]
    assert isinstance(invariants, list)
    assert invariants[0]["disagreements"] == [{"what": "lost thing", "count": 1, "ids": ["R-1"]}]
