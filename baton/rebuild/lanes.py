"""The order in which the stager took the inputs of a referral.

The announced changes tell it for all inputs that changed something. One that changed nothing - a refused command, a
signal that came too late - stands where its time and its partition put it; when it would change something there, it was
taken later, so it is put off behind the next change; when there is no such place left, it was never taken.
"""

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from baton.rebuild.staged import Staged


@dataclass(slots=True)
class _Idle:
    """An input without effects: how many effective ones come before it, at most how many, and when it came."""

    staged: Staged
    slot: int
    last_slot: int
    came_at: datetime


class Lane:
    """The inputs of one referral."""

    def __init__(self, inputs: Iterable[Staged]) -> None:
        every = list(inputs)
        self._effective = sorted((one for one in every if one.effects), key=lambda one: one.place)
        self._idle: list[_Idle] = []
        self.left_out: list[Staged] = []
        by_source: defaultdict[tuple[str, int], list[Staged]] = defaultdict(list)
        for one in every:
            by_source[one.source].append(one)
        for source in by_source.values():
            self._place_idle(sorted(source, key=lambda one: one.raw.offset))

    def order(self) -> list[Staged]:
        """Return the inputs in order."""
        ordered: list[Staged] = []
        by_time = sorted(self._idle, key=lambda one: (one.slot, one.came_at, one.staged.source, one.staged.raw.offset))
        waiting = deque(by_time)
        for slot in range(len(self._effective) + 1):
            while waiting and waiting[0].slot == slot:
                ordered.append(waiting.popleft().staged)
            if slot < len(self._effective):
                ordered.append(self._effective[slot])
        return ordered

    def put_off(self, staged: Staged) -> None:
        """Move an input without effects behind the next change, or leave it out when it can not have come later."""
        moved = next(one for one in self._idle if one.staged is staged)
        moved.slot += 1
        if moved.slot > moved.last_slot:
            self._idle.remove(moved)
            self.left_out.append(staged)
            return
        for one in self._idle:
            is_behind = one.staged.source == staged.source and one.staged.raw.offset > staged.raw.offset
            if is_behind:
                one.slot = max(one.slot, moved.slot)

    def _place_idle(self, source: Sequence[Staged]) -> None:
        """Give each input without effects of one partition its slot, in the order of the partition."""
        positions = {id(one): index for index, one in enumerate(self._effective)}
        effective = [one for one in source if one.effects]
        offsets = [one.raw.offset for one in effective]
        slot, came_at = 0, source[0].raw.recorded_at
        for one in source:
            came_at = max(came_at, one.raw.recorded_at)
            if one.effects:
                slot = max(slot, positions[id(one)] + 1)
                continue
            following = bisect_left(offsets, one.raw.offset)
            last = positions[id(effective[following])] if following < len(effective) else len(self._effective)
            slot = min(max(slot, self._slot_at(came_at)), last)
            self._idle.append(_Idle(one, slot, last, came_at))

    def _slot_at(self, came_at: datetime) -> int:
        """Return the slot behind the last change whose cause had come by then."""
        for index in range(len(self._effective), 0, -1):
            if self._effective[index - 1].raw.recorded_at <= came_at:
                return index
        return 0


class Lanes:
    """The inputs of several referrals, in one step."""

    def __init__(self, inputs: Iterable[Staged]) -> None:
        by_lane: defaultdict[str, list[Staged]] = defaultdict(list)
        for one in inputs:
            by_lane[one.lane].append(one)
        self._lanes = {name: Lane(lane) for name, lane in by_lane.items()}

    @property
    def left_out(self) -> Sequence[Staged]:
        """Inputs that were never taken."""
        return [one for lane in self._lanes.values() for one in lane.left_out]

    def order(self) -> list[Staged]:
        """Return the inputs, referral by referral."""
        return [one for lane in self._lanes.values() for one in lane.order()]

    def put_off(self, staged: Staged) -> None:
        """Move an input without effects behind the next change of its referral."""
        self._lanes[staged.lane].put_off(staged)
