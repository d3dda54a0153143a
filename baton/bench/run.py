"""Run a benchmark by name in a private deployment that is gone afterwards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from baton.bench.figures import Figures
from baton.bench.intake import bench_intake
from baton.bench.matcher import bench_matcher
from baton.bench.pipeline import bench_pipeline
from baton.bench.sla import bench_sla
from baton.bench.stager import bench_stager
from baton.sandbox import Sandbox
from runtime.settings import ServiceSettings


@dataclass(frozen=True, kw_only=True)
class Load:
    """How much a benchmark has to do; None is the bench's own amount."""

    records: int | None
    patients: int
    clocks: int


def run_bench(name: str, infrastructure: ServiceSettings, folder: Path, load: Load) -> Sequence[Figures]:
    """Run one benchmark and return its figures."""
    return _BENCHES[name](infrastructure, folder, load)


def _intake(infrastructure: ServiceSettings, folder: Path, load: Load) -> Sequence[Figures]:
    return (bench_intake(infrastructure, folder, **_records(load)),)


def _pipeline(infrastructure: ServiceSettings, folder: Path, load: Load) -> Sequence[Figures]:
    return bench_pipeline(infrastructure, folder, **_records(load))


def _matcher(infrastructure: ServiceSettings, folder: Path, load: Load) -> Sequence[Figures]:
    with Sandbox(infrastructure, folder) as sandbox:
        return (bench_matcher(sandbox.settings, patients=load.patients, **_records(load)),)


def _stager(infrastructure: ServiceSettings, folder: Path, load: Load) -> Sequence[Figures]:
    with Sandbox(infrastructure, folder) as sandbox:
        return (bench_stager(sandbox.settings, **_records(load)),)


def _sla(infrastructure: ServiceSettings, folder: Path, load: Load) -> Sequence[Figures]:
    with Sandbox(infrastructure, folder) as sandbox:
        return bench_sla(sandbox.settings, clocks=load.clocks)


def _records(load: Load) -> dict[str, int]:
    return {} if load.records is None else {"records": load.records}


_BENCHES: dict[str, Callable[[ServiceSettings, Path, Load], Sequence[Figures]]] = {
    "intake": _intake,
    "pipeline": _pipeline,
    "matcher": _matcher,
    "stager": _stager,
    "sla": _sla,
}
