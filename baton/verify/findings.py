"""What checking found, and how it is told: ids and counts only."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

#: as many ids are told; the count is always of all
SHOWN = 20
#: ids as Baton writes them; a foreign writer's could be anything, a name included
_ORDINARY = re.compile(r"[A-Za-z0-9._:|/ -]{1,120}")


class Invariant(StrEnum):
    """What must hold, by its letter."""

    EXISTS_ONCE = "A"
    NOTHING_UNSENT = "B"
    LEGAL_PATH = "C"
    ONCE_ON_TOPIC = "D"
    ONE_DISPOSITION = "E"
    AUDIT = "G"


TITLES: Mapping[Invariant, str] = {
    Invariant.EXISTS_ONCE: "every accepted submission exists once",
    Invariant.NOTHING_UNSENT: "nothing exists that nobody sent",
    Invariant.LEGAL_PATH: "histories are dense, legal paths to one stage (R4)",
    Invariant.ONCE_ON_TOPIC: "each fact is on its topic once, in order, as in the tables",
    Invariant.ONE_DISPOSITION: "every consumed record has exactly one fate",
    Invariant.AUDIT: "audit chains are whole, one row a change",
}


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One kind of thing that must not be, with the first ids it concerns."""

    what: str
    count: int
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking one invariant found."""

    invariant: Invariant
    counts: Mapping[str, int]
    disagreements: tuple[Disagreement, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What checking a deployment found."""

    verdicts: tuple[Verdict, ...]
    #: services that had not read everything when time was up
    unsettled: tuple[str, ...] = ()
    #: what could not be looked at, and why
    notes: tuple[str, ...] = field(default=())

    @property
    def is_sound(self) -> bool:
        """Whether nothing disagrees."""
        return not any(verdict.disagreements for verdict in self.verdicts)

    def as_json(self) -> dict[str, object]:
        """Return the report for machines."""
        return {
            "is_sound": self.is_sound,
            "unsettled": list(self.unsettled),
            "notes": list(self.notes),
            "invariants": [
                {
                    "invariant": verdict.invariant.value,
                    "title": TITLES[verdict.invariant],
                    "counts": dict(verdict.counts),
                    "disagreements": [
                        {"what": d.what, "count": d.count, "ids": list(d.ids)} for d in verdict.disagreements
                    ],
                }
                for verdict in self.verdicts
            ],
        }

    def lines(self) -> list[str]:
        """Return the report for people: a line for each invariant, and what disagrees below it."""
        lines = [f"note: {note}" for note in self.notes]
        lines += [f"note: {service} has not read everything in time" for service in self.unsettled]
        for verdict in self.verdicts:
            counts = ", ".join(f"{number} {name}" for name, number in verdict.counts.items())
            state = "DISAGREES" if verdict.disagreements else "ok"
            lines.append(f"{verdict.invariant}  {state:9}  {TITLES[verdict.invariant]}: {counts}")
            for found in verdict.disagreements:
                more = f" and {found.count - len(found.ids)} more" if found.count > len(found.ids) else ""
                lines.append(f"     {found.count} x {found.what}: {', '.join(found.ids)}{more}")
        return lines


def shown(name: str | None) -> str:
    """Return an id as it may be told."""
    return name if name is not None and _ORDINARY.fullmatch(name) else "(not shown)"
