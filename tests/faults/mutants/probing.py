"""Run one probe in the tree this is part of; 1 when something was violated, 0 when all is well."""

import json
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.campaign import Campaign, Load, Setting
from tests.faults.infrastructure import shared_infrastructure
from tests.faults.invariants import check
from tests.faults.mutants.catalogue import MUTANTS, Probe
from tests.faults.strikes.failpoints import Armory, FailpointRounds
from tests.faults.strikes.offsets import delete_offsets

SEED = 4
#: all points of a probe together
ROUNDS_WITHIN_S = 45.0
#: many a bug keeps work from ever being level
PATIENCE_S = 60.0


def main(name: str, folder: str = "") -> int:
    """Run the probe of a mutant by its name; the folder gets what the campaign leaves."""
    probe = next((mutant.probe for mutant in MUTANTS if mutant.name == name), Probe())
    with tempfile.TemporaryDirectory() as passing:
        invariants = violated(probe, Path(folder or passing))
    sys.stdout.write(json.dumps(invariants) + "\n")
    return 1 if invariants else 0


def violated(probe: Probe, folder: Path) -> dict[str, int]:
    """Play a probe and count the violations of each invariant."""
    armory = Armory(folder, probe.names)
    setting = Setting(
        infrastructure=shared_infrastructure(),
        folder=folder,
        seed=SEED,
        names=probe.names,
        load=Load(referrals_per_s=25, commands_per_s=40, poison_per_s=8),
        patience_s=PATIENCE_S,
    )
    with Campaign(setting, armory.environment) as campaign:
        campaign.begin_load()
        time.sleep(probe.seconds)
        if probe.points:
            rounds = FailpointRounds(campaign, armory, SEED, only=probe.points)
            rounds.run(hits_each=probe.hits, within_s=ROUNDS_WITHIN_S)
        if probe.forgets:
            delete_offsets(campaign, probe.forgets)
        found = check(campaign.finish())
        if found:
            campaign.condemn(found)
    return {letter: sum(v.invariant == letter for v in found) for letter in sorted({v.invariant.value for v in found})}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
