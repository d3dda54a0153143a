"""The order in which the matcher took its inputs: patients of different names can meet, so there is but one lane.

Matches of one step are announced at one instant, and each partition of the announcements keeps the order within it; so
does each partition of the inputs. Inputs without announced effects stand where their time puts them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from heapq import heapify, heappop, heappush
from itertools import groupby, pairwise

from baton.rebuild.staged import Staged

Priority = tuple[datetime, str, int, int]


def in_order_of_meeting(timed: Iterable[tuple[datetime, Staged]]) -> Iterator[Staged]:
    """Yield inputs that come sorted by the time of their step in the order within each step."""
    for _, step in groupby(timed, key=lambda pair: pair[0]):
        yield from within_step([staged for _, staged in step])


def within_step(step: Sequence[Staged]) -> list[Staged]:
    """Return the inputs of one step so that every partition, of inputs and of announcements, keeps its order."""
    followers, before = _edges(step)
    ready = [(_priority(one), index) for index, one in enumerate(step) if before[index] == 0]
    heapify(ready)
    ordered: list[int] = []
    while ready:
        _, index = heappop(ready)
        ordered.append(index)
        for follower in followers[index]:
            before[follower] -= 1
            if before[follower] == 0:
                heappush(ready, (_priority(step[follower]), follower))
    if len(ordered) < len(step):
        # two instances that announced at the very same instant; what each read in which order still holds
        return sorted(step, key=_priority)
    return [step[index] for index in ordered]


def _edges(step: Sequence[Staged]) -> tuple[list[list[int]], list[int]]:
    chains: defaultdict[object, list[tuple[int, int]]] = defaultdict(list)
    for index, one in enumerate(step):
        chains[one.source].append((one.raw.offset, index))
        if one.announced_at is not None:
            partition, offset = one.announced_at
            chains["announced", partition, None].append((offset, index))
    followers: list[list[int]] = [[] for _ in step]
    before = [0] * len(step)
    for chain in chains.values():
        for (_, first), (_, second) in pairwise(sorted(chain)):
            followers[first].append(second)
            before[second] += 1
    return followers, before


def _priority(one: Staged) -> Priority:
    return one.raw.recorded_at, one.raw.topic, one.raw.partition, one.raw.offset


class Meeting:
    """Inputs of the matcher that are applied in one step."""

    def __init__(self, inputs: Iterable[Staged]) -> None:
        self._inputs = list(inputs)
        self.left_out: list[Staged] = []

    def order(self) -> list[Staged]:
        """Return the inputs in order."""
        return list(self._inputs)

    def put_off(self, staged: Staged) -> None:
        """Leave out an input whose match was never announced: it was not taken yet, or is in quarantine."""
        self._inputs.remove(staged)
        self.left_out.append(staged)
