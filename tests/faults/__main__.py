"""Run fault campaigns: `python -m tests.faults run|totals` (see docs/reliability.md)."""

import argparse
import os
import secrets
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

from tests.faults.keeping import read_extract
from tests.faults.outcome import Result, keep, kept, totals
from tests.faults.plans import PLANS, RELEASE, is_stack_named, own_stack
from tests.faults.scenes import play

#: where a seed that nobody gave is drawn from
MANY_SEEDS = 1_000_000


def main() -> int:
    """Run what the arguments say; 1 when anything was violated or a run is void."""
    arguments = _arguments()
    if arguments.command == "totals":
        sys.stdout.write(totals(kept()) + "\n")
        return 0
    seed = arguments.seed if arguments.seed is not None else secrets.randbelow(MANY_SEEDS)
    _tell(f"plan {arguments.plan}, seed {seed}: SEED={seed} repeats it")
    with own_stack(is_needed=not is_stack_named()):
        clean = [
            _is_clean(scene, seed, arguments.plan, folder=arguments.folder)
            for scene in PLANS[arguments.plan]
            if arguments.scene in (None, scene)
        ]
    return 0 if all(clean) else 1


def _is_clean(scene: str, seed: int, plan: str, *, folder: Path | None) -> bool:
    own = Path(tempfile.mkdtemp(prefix=f"faults-{scene}-", dir=folder))
    _tell(f"{scene}: seed {seed}, logs in {own}")
    try:
        result = play(scene, seed, own, PLANS[plan][scene])
    except Exception:  # noqa: BLE001 - the other scenes are played all the same
        _tell(traceback.format_exc())
        _tell_what_is_kept(own)
        return False
    _tell(_summary(result))
    if plan == RELEASE:
        _tell(f"  kept as {keep(result).name}")
    if result.is_clean and not result.is_void:
        shutil.rmtree(own)
        return True
    _tell_what_is_kept(own)
    return False


def _tell_what_is_kept(folder: Path) -> None:
    _tell(f"  everything is kept in {folder}")
    # a build's folders are lost with it
    if os.environ.get("CI"):
        _tell(read_extract(folder))


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _summary(result: Result) -> str:
    longest = max(result.recoveries_s, default=0.0)
    lines = [
        f"  {result.seconds:.0f} s; load {result.load}",
        f"  {sum(result.failpoints.values())} deaths at {len(result.failpoints)} failpoints {result.failpoints}",
        f"  {result.random_kills} random kills, {result.in_flight} with a batch in hand",
        f"  {result.faults} {result.notes}",
        f"  {sum(result.poison.values())} poisonous records; longest recovery {longest:.1f} s",
        f"  repeats {result.repeats}",
        f"  verdicts {result.verdicts}{' VOID' if result.is_void else ''}",
        *(f"    {line}" for line in result.violations),
    ]
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run a plan")
    run.add_argument("--plan", choices=sorted(PLANS), default="pr")
    run.add_argument("--seed", type=int, default=None)
    run.add_argument("--scene", default=None)
    run.add_argument("--folder", type=Path, default=None, help="where logs go")
    commands.add_parser("totals", help="add up what was run")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
