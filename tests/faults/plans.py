"""The plans: what a change is checked with, and what a release is proven with."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from baton.stack.embedded import EmbeddedStack
from baton.stack.paths import StackHome
from tests.faults.scenes import Dose

#: its results are kept, and add up to what docs/reliability.md says
RELEASE = "release"
ADDRESSES = ("KAFKA_BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY_URL", "DATABASE_URL")
#: the promise that a release is measured by, on a machine of its own; a change is checked wherever it comes by
RECOVERS_WITHIN_S = 30.0
PLANS: Mapping[str, Mapping[str, Dose]] = {
    "pr": {
        "processes": Dose(hits_each=1, hits_within_s=240, random_kills=6),
        "broker": Dose(broker_kills=1, database_stops=1, others=1),
        "network": Dose(lost_replies=12, others=1),
        "late-endtxn": Dose(late_end_txns=4),
    },
    # one of two shards: run it with two seeds for the totals of docs/reliability.md
    RELEASE: {
        scene: replace(dose, recovers_within_s=RECOVERS_WITHIN_S)
        for scene, dose in {
            "processes": Dose(hits_each=10, hits_within_s=900, random_kills=100, others=1),
            "broker": Dose(broker_kills=30, database_stops=30, others=2),
            "network": Dose(lost_replies=320, others=2),
            "late-endtxn": Dose(late_end_txns=50),
            "clock": Dose(others=1),
            "full-disk": Dose(others=1),
            "cluster": Dose(cluster_kills=2),
        }.items()
    },
}


def is_stack_named() -> bool:
    """Tell whether the environment names infrastructure to use."""
    return all(os.environ.get(name) for name in ADDRESSES)


@contextmanager
def own_stack(*, is_needed: bool) -> Iterator[None]:
    """Run infrastructure for scenes that share it, when none is named."""
    if not is_needed:
        yield
        return
    with tempfile.TemporaryDirectory() as folder, EmbeddedStack(StackHome(Path(folder))) as addresses:
        found = addresses.as_environment()
        os.environ.update({name: found[name] for name in ADDRESSES})
        yield
