"""The inputs of a referral come in the order in which the stager took them."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baton.rebuild.lanes import Lane, Lanes
from baton.rebuild.staged import Staged
from tests.support.staged_inputs import names, staged


def test_inputs_with_effects_come_by_the_sequence_of_their_effects() -> None:
    # the signal was written before the command, and read after it
    lane = Lane(
        [
            staged("opening", topic="matches", offset=9, place=1),
            staged("signal", topic="signals", offset=3, at_s=5, place=3),
            staged("command", offset=7, at_s=6, place=2),
        ]
    )

    assert names(lane.order()) == "opening command signal"


def test_an_input_without_effects_stands_where_its_time_puts_it() -> None:
    lane = Lane(
        [
            staged("opening", topic="matches", offset=0, place=1),
            staged("refused", topic="signals", offset=1, at_s=2),
            staged("early", offset=1, at_s=1, place=2),
            staged("late", offset=2, at_s=3, place=3),
        ]
    )

    assert names(lane.order()) == "opening early refused late"


def test_the_order_of_a_partition_outranks_time() -> None:
    # its sender's clock went wrong
    lane = Lane(
        [
            staged("first", offset=1, at_s=10, place=1),
            staged("refused", offset=2, at_s=0),
            staged("second", offset=3, at_s=11, place=2),
            staged("third", topic="signals", offset=0, at_s=1, place=3),
        ]
    )

    assert names(lane.order()) == "first refused second third"


def test_an_input_that_would_have_an_effect_is_put_off_behind_the_next_change() -> None:
    stale = staged("stale", offset=1, at_s=1)
    lane = Lane(
        [staged("opening", offset=0, place=1), stale, staged("signal", topic="signals", offset=0, at_s=2, place=2)]
    )
    assert names(lane.order()) == "opening stale signal"

    lane.put_off(stale)

    assert names(lane.order()) == "opening signal stale"
    assert lane.left_out == []


def test_inputs_behind_one_that_is_put_off_stay_behind_it() -> None:
    stale = staged("stale", offset=1, at_s=1)
    after = staged("after", offset=2, at_s=1)
    lane = Lane(
        [
            staged("opening", offset=0, place=1),
            stale,
            after,
            staged("signal", topic="signals", offset=0, at_s=2, place=2),
        ]
    )

    lane.put_off(stale)

    assert names(lane.order()) == "opening signal stale after"


def test_an_input_that_can_not_have_come_later_was_never_taken() -> None:
    parked = staged("parked", offset=1, at_s=1)
    lane = Lane([staged("opening", offset=0, place=1), parked, staged("next", offset=2, at_s=2, place=2)])

    lane.put_off(parked)

    assert names(lane.order()) == "opening next"
    assert lane.left_out == [parked]


def test_lanes_of_several_referrals_do_not_mix() -> None:
    inputs = [staged(f"{lane}{n}", offset=n, place=n, lane=lane) for n in (2, 1) for lane in "ab"]

    assert names(Lanes(inputs).order()) == "a1 a2 b1 b2"


@st.composite
def lives(draw: st.DrawFn) -> list[Staged]:
    """Inputs in the order in which they were taken, from partitions that are each read in order."""
    offsets = dict.fromkeys("xyz", 0)
    taken, place, clock = [], 0, 0.0
    for number in range(draw(st.integers(1, 14))):
        topic = draw(st.sampled_from("xyz"))
        offsets[topic] += 1
        clock += draw(st.floats(0, 5))
        is_effective = draw(st.booleans())
        place += is_effective
        at_s = clock - draw(st.floats(0, 5))
        taken.append(
            staged(str(number), topic=topic, offset=offsets[topic], at_s=at_s, place=place if is_effective else 0)
        )
    return taken


@given(lives(), st.randoms())
def test_order_keeps_sequence_and_partitions_whatever_is_put_off(life: list[Staged], dice: Random) -> None:
    lane = Lane(dice.sample(life, len(life)))
    idle = [one for one in life if not one.effects]
    for one in dice.sample(idle, len(idle)):
        if one not in lane.left_out and dice.random() < 0.5:
            lane.put_off(one)

    order = lane.order()

    effective = [one.place for one in order if one.effects]
    assert effective == sorted(effective)
    assert len(order) + len(lane.left_out) == len(life)
    for topic in "xyz":
        offsets = [one.raw.offset for one in order if one.raw.topic == topic]
        assert offsets == sorted(offsets)


def test_putting_off_what_is_not_idle_is_an_error() -> None:
    effective = staged("effective", offset=0, place=1)

    with pytest.raises(StopIteration):
        Lane([effective]).put_off(effective)
