"""Deaths at named places: processes are armed while they run, the place that was hit least comes next."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

from tests.faults.campaign import Campaign
from tests.faults.fleet import Death

STEP = ("before_database", "before_commit", "after_commit", "after_produce", "after_offsets", "after_transaction")
#: a pipeline that produces nothing commits its offsets without a transaction
QUIET_STEP = ("before_database", "before_commit", "after_commit", "after_transaction")
POINTS: Mapping[str, Sequence[str]] = {
    "channels": ("channels.after_store", "channels.after_publish"),
    "intake": tuple(f"intake.{point}" for point in STEP),
    "matcher": tuple(f"matcher.{point}" for point in STEP),
    "stager": tuple(f"stager.{point}" for point in STEP),
    "sla": tuple(f"sla.{point}" for point in QUIET_STEP),
    "sla-firing": ("firing.after_produce", "firing.before_commit"),
    "sla-windows": ("windows.after_take", "windows.after_tell", "windows.after_send"),
    "courier": tuple(f"courier.{point}" for point in QUIET_STEP),
}
LATEST_HIT = 3
REACHED_WITHIN_S = 8.0
#: rounds without a death after which the places that are left count as out of reach
FRUITLESS_ROUNDS = 4


class Armory:
    """The file of each process that lists where it is to die."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._files = {name: folder / f"{name}.failpoints" for name in names}
        for name in names:
            self.disarm(name)

    def environment(self, name: str) -> dict[str, str]:
        """Return what makes a process read its list."""
        return {"FAILPOINT": f"file:{self._files[name]}"}

    def arm(self, name: str, point: str) -> None:
        """Let a process die at its next visits of a place."""
        self._write(name, point)

    def disarm(self, name: str) -> None:
        """Let a process live."""
        self._write(name, "")

    def _write(self, name: str, text: str) -> None:
        draft = self._files[name].with_suffix(".draft")
        draft.write_text(text)
        draft.replace(self._files[name])


class FailpointRounds:
    """Kills processes at named places, round after round, and waits between rounds until work goes on."""

    def __init__(self, campaign: Campaign, armory: Armory, seed: int, *, only: Sequence[str] = ()) -> None:
        self._campaign, self._armory = campaign, armory
        self._random = Random(f"failpoints-{seed}")
        self._only = frozenset(only)
        self._dead: set[str] = set()
        self.hits: Counter[str] = Counter()
        campaign.fleet.on_death = self._note

    def run(self, *, hits_each: int, within_s: float) -> None:
        """Go on until every place was hit often enough, or the time is over."""
        deadline, fruitless = time.monotonic() + within_s, 0
        while time.monotonic() < deadline and fruitless < FRUITLESS_ROUNDS:
            chosen = self._choose(hits_each)
            if not chosen:
                return
            fruitless = 0 if self._round(chosen) else fruitless + 1

    def _choose(self, hits_each: int) -> dict[str, str]:
        planned: Counter[str] = Counter()
        chosen: dict[str, str] = {}
        for name in self._random.sample(self._campaign.fleet.names, len(self._campaign.fleet.names)):
            points = [p for p in POINTS.get(name.partition(".")[0], ()) if not self._only or p in self._only]
            open_points = [p for p in points if self.hits[p] + planned[p] < hits_each]
            if open_points:
                point = min(open_points, key=lambda p: (self.hits[p] + planned[p], self._random.random()))
                planned[point] += 1
                chosen[name] = point
        return chosen

    def _round(self, chosen: Mapping[str, str]) -> bool:
        self._dead.clear()
        for name, point in chosen.items():
            self._armory.arm(name, f"{point}@{self._random.randint(1, LATEST_HIT)}")
        deadline = time.monotonic() + REACHED_WITHIN_S
        while self._dead < chosen.keys() and time.monotonic() < deadline:
            time.sleep(0.05)
        for name in chosen:
            self._armory.disarm(name)
        deaths = [death for death in self._campaign.fleet.deaths if death.name in self._dead]
        if deaths:
            self._campaign.tides.recovery("failpoints", max(death.at for death in deaths))
        return bool(deaths)

    def _note(self, death: Death) -> None:
        # before its successor starts, so that one order kills once
        self._armory.disarm(death.name)
        if death.failpoint is not None:
            self.hits[death.failpoint] += 1
            self._dead.add(death.name)
