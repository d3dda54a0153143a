"""Inputs of the matcher come step by step, and within a step as partitions of both sides tell."""

from datetime import timedelta

from baton.rebuild.meeting import Meeting, in_order_of_meeting, within_step
from tests.support.staged_inputs import START, names, staged


def test_steps_come_by_their_time() -> None:
    late = staged("late", offset=0, announced_at=(0, 0))
    early = staged("early", partition=1, offset=0, at_s=9, announced_at=(1, 0))

    ordered = in_order_of_meeting([(START, early), (START + timedelta(seconds=1), late)])

    assert names(list(ordered)) == "early late"


def test_announcements_of_one_partition_tell_the_order_across_inputs_of_two() -> None:
    # each was the only one of its partition; by their own times b came first
    a = staged("a", partition=0, offset=5, at_s=2, announced_at=(3, 10))
    b = staged("b", partition=1, offset=5, at_s=1, announced_at=(3, 11))

    assert names(within_step([b, a])) == "a b"


def test_chains_of_both_sides_are_followed_together() -> None:
    # read: a b of partition 0, then c d of partition 1; announced: a d to 0, b c to 1
    a = staged("a", partition=0, offset=1, at_s=9, announced_at=(0, 1))
    b = staged("b", partition=0, offset=2, at_s=9, announced_at=(1, 1))
    c = staged("c", partition=1, offset=1, at_s=1, announced_at=(1, 2))
    d = staged("d", partition=1, offset=2, at_s=1, announced_at=(0, 2))

    assert names(within_step([d, c, b, a])) == "a b c d"


def test_inputs_without_announcement_keep_the_order_of_their_partition() -> None:
    first = staged("first", offset=1, at_s=5, announced_at=(0, 1))
    repeat = staged("repeat", offset=2, at_s=1)
    last = staged("last", offset=3, at_s=2, announced_at=(0, 2))

    assert names(within_step([last, repeat, first])) == "first repeat last"


def test_contradicting_announcements_of_two_instances_fall_back_to_time() -> None:
    a = staged("a", partition=0, offset=1, at_s=1, announced_at=(1, 2))
    b = staged("b", partition=0, offset=2, at_s=2, announced_at=(0, 1))
    c = staged("c", partition=1, offset=1, at_s=3, announced_at=(0, 2))
    d = staged("d", partition=1, offset=2, at_s=4, announced_at=(1, 1))

    assert names(within_step([d, c, b, a])) == "a b c d"


def test_a_match_that_was_never_announced_is_left_out() -> None:
    kept, waiting = staged("kept", offset=0, announced_at=(0, 0)), staged("waiting", offset=1)
    meeting = Meeting([kept, waiting])

    meeting.put_off(waiting)

    assert meeting.order() == [kept]
    assert meeting.left_out == [waiting]
