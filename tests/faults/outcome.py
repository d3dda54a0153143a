"""What a campaign came to, as figures that add up over runs."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.faults.evidence import Evidence, Invariant, Violation
from tests.faults.invariants.topics import count_repeats

FOLDER = Path(__file__).parent / "results"


@dataclass
class Result:
    """One scene of one run."""

    scene: str
    seed: int
    seconds: float
    #: how often each fault struck
    faults: dict[str, int]
    #: deaths by failpoint
    failpoints: dict[str, int]
    poison: dict[str, int]
    load: dict[str, int]
    recoveries_s: list[float]
    #: faults after which nobody saw work go on
    unrecovered: int
    #: violations by invariant
    verdicts: dict[str, int]
    violations: list[str]
    #: records of each topic that only repeat an event id
    repeats: dict[str, int]
    #: random kills, and how many of them met a batch in hand
    random_kills: int = 0
    in_flight: int = 0
    notes: dict[str, int] = field(default_factory=dict)

    @property
    def is_void(self) -> bool:
        """Whether its random kills met too little to prove anything."""
        return self.random_kills > 0 and 2 * self.in_flight < self.random_kills

    @property
    def is_clean(self) -> bool:
        """Whether nothing was violated."""
        return not any(self.verdicts.values())


def result_of(
    scene: str, seed: int, evidence: Evidence, violations: Sequence[Violation], faults: Mapping[str, int]
) -> Result:
    """Return the figures of a scene that was judged; how long it took is known when everything is put away."""
    tables, ledger = evidence.tables, evidence.ledger
    return Result(
        scene=scene,
        seed=seed,
        seconds=0.0,
        faults=dict(faults),
        failpoints={},
        poison=dict(Counter(poison.kind for poison in ledger.planted)),
        load={
            "messages sent": sum(sent.attempts for sent in ledger.sent),
            "referrals": len(tables.referrals),
            "commands": len(ledger.asked),
            "changes": len(tables.history),
            "records": len(evidence.records),
        },
        recoveries_s=[r.seconds for r in evidence.recoveries if r.seconds is not None],
        unrecovered=sum(r.seconds is None for r in evidence.recoveries),
        verdicts={i.value: sum(v.invariant is i for v in violations) for i in Invariant},
        violations=[_line(violation) for violation in violations[:40]],
        repeats={topic: count for topic, count in count_repeats(evidence.records).items() if count},
    )


def keep(result: Result) -> Path:
    """Write a result where totals are added up."""
    FOLDER.mkdir(exist_ok=True)
    number = len(list(FOLDER.glob("*.json")))
    path = FOLDER / f"{number:04d}-{result.scene}-{result.seed}.json"
    path.write_text(json.dumps(asdict(result), indent=1))
    return path


def kept() -> list[Result]:
    """Return all results that were kept."""
    return [Result(**json.loads(path.read_text())) for path in sorted(FOLDER.glob("*.json"))]


def totals(results: Sequence[Result]) -> str:
    """Return the totals as tables for docs/reliability.md."""
    sound = [result for result in results if not result.is_void]
    recoveries = sorted(seconds for result in sound for seconds in result.recoveries_s)
    kills = sum(r.random_kills for r in sound)
    rows = [
        ("runs (void ones not counted)", f"{len(sound)} ({len(results) - len(sound)})"),
        ("seeds", " ".join(str(seed) for seed in sorted({r.seed for r in sound}))),
        ("time", f"{sum(r.seconds for r in sound) / 60:.0f} min"),
        ("SIGKILLs at failpoints", _sum(r.failpoints for r in sound)),
        ("random SIGKILLs (with a batch in hand)", f"{kills} ({sum(r.in_flight for r in sound)})"),
        ("poisonous records", _sum(r.poison for r in sound)),
        *sorted(_added(r.faults for r in sound).items()),
        *((f"load: {name}", count) for name, count in _added(r.load for r in sound).items()),
        ("recoveries measured", len(recoveries)),
        ("longest recovery", f"{recoveries[-1]:.1f} s" if recoveries else "-"),
        ("95th percentile of recovery", f"{recoveries[int(len(recoveries) * 0.95)]:.1f} s" if recoveries else "-"),
        ("faults nobody recovered from", sum(r.unrecovered for r in sound)),
    ]
    return "\n\n".join(
        (
            _table(("what", "how much"), rows),
            _table(("failpoint", "hits"), sorted(_added(r.failpoints for r in sound).items())),
            _table(
                ("invariant", "violations", "bound"),
                [(i.value, sum(r.verdicts[i.value] for r in sound), _bound(sound, i.value)) for i in Invariant],
            ),
            _table(("records that repeat an event id", "count"), sorted(_added(r.repeats for r in sound).items())),
        )
    )


def _bound(results: Sequence[Result], invariant: str) -> str:
    # the rule of three: no event in n trials bounds its rate by 3/n with 95 % confidence
    faults = sum(sum(r.failpoints.values()) + r.random_kills + sum(r.faults.values()) for r in results)
    clean = not any(r.verdicts[invariant] for r in results)
    return f"< 3/{faults} a fault" if clean and faults else "-"


def _sum(counts: Iterable[Mapping[str, int]]) -> int:
    return sum(sum(count.values()) for count in counts)


def _added(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    added: Counter[str] = Counter()
    for count in counts:
        added.update(count)
    return added


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _line(violation: Violation) -> str:
    return f"{violation.invariant.value} {violation.what}: {violation.subject}"
