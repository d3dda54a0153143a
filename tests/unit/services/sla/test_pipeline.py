from hypothesis import given
from hypothesis import strategies as st

from schemas.events import ReferralChanged
from schemas.vocabulary import ChangeKind, ClockState
from services.sla.pipeline import follow_all
from services.sla.rules.clocks import SlaClock, Stay
from services.sla.store import ReferralKey
from tests.support.sla import HOUR, MONDAY, change

STEPS = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from(["enter", "note", "move", "pause", "remind"]), st.integers(1, 9)),
    max_size=30,
)


def changes_of(steps: list[tuple[int, str, int]]) -> list[ReferralChanged]:
    sequences: dict[int, int] = {}
    entries: dict[int, int] = {}
    changes = []
    for number, step, hours in steps:
        sequences[number] = sequences.get(number, 0) + 1
        entries[number] = entries.get(number, 0) + (step == "enter" or number not in entries)
        times = {"remind_at": MONDAY + HOUR * hours, "due_at": MONDAY + 2 * HOUR * hours}
        changes.append(
            change(
                number,
                sequence=sequences[number],
                stage_entry=entries[number],
                kind=ChangeKind.REMINDED if step == "remind" else ChangeKind.NOTE_ADDED,
                clock=ClockState.PAUSED if step == "pause" else ClockState.RUNNING,
                **(times if step in ("enter", "move") else {}),
            )
        )
    return changes


@given(STEPS)
def test_a_batch_leaves_the_same_rows_as_one_change_after_another(steps: list[tuple[int, str, int]]) -> None:
    changes = changes_of(steps)
    together: dict[ReferralKey, Stay] = {}
    apart: dict[ReferralKey, Stay] = {}

    batch = follow_all(together, changes)
    one_by_one: dict[tuple[str, int, str], SlaClock] = {}
    for one in changes:
        for clock in follow_all(apart, [one]):
            one_by_one[clock.referral_id, clock.stage_entry, clock.kind] = clock

    assert together == apart
    assert {(c.referral_id, c.stage_entry, c.kind): c for c in batch} == one_by_one
