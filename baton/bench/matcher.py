"""How many referrals the matcher gives their patients in a second, with many patients known.

Runs the database half of the exactly-once step (decode, claim, match, write, audit, encode, commit), in batches and
one transaction each by turns on one database, with everything durable.
"""

import dataclasses
import time
from collections.abc import Iterable

from baton.bench.figures import Figures, compared, percentile
from baton.bench.matcher_town import START, Town, load_residents, referrals
from baton.bench.stager import BATCH, Lane, LocalSchemaIds
from runtime.application import Application
from runtime.delivery import RawRecord
from runtime.postgres import connect
from runtime.settings import ServiceSettings
from schemas.codec import Codec
from schemas.events import ReferralReceived
from services.matcher.batch import Policy
from services.matcher.pipeline import Matcher

SEED = 7
#: share of a batch that goes through the baseline in each turn; it is that much slower
BASELINE_SHARE = 10
#: not counted: a server that has just been filled reads its indexes from disk first
WARM_UP_BATCHES = 10


def bench_matcher(settings: ServiceSettings, *, records: int = 20_000, patients: int = 100_000) -> Figures:
    """Match referrals of residents and strangers on a migrated database that first gets `patients` residents."""
    codec, town = Codec(LocalSchemaIds()), Town(SEED)
    began = time.perf_counter()
    with connect(settings) as owner:
        residents = load_residents(owner, town, patients)
    load_s = time.perf_counter() - began
    durations_ms: list[float] = []
    with connect(settings, role="matcher") as connection:
        application = Application(Matcher(Policy(), instance="bench"), codec, "bench")
        lane, baseline = Lane(application, connection, BATCH), Lane(application, connection, 1)
        run_id = str(time.perf_counter_ns())
        for turn in range(WARM_UP_BATCHES):
            warming = referrals(town, residents, seed=f"{run_id} warm {turn}", how_many=BATCH)
            Lane(application, connection, BATCH).run(_raw_records(codec, warming), [])
        for turn in range(max(1, records // BATCH)):
            many = referrals(town, residents, seed=f"{run_id} {turn}", how_many=BATCH)
            lane.run(_raw_records(codec, many), durations_ms)
            few = referrals(town, residents, seed=f"{run_id} {turn} single", how_many=BATCH // BASELINE_SHARE)
            baseline.run(_raw_records(codec, few), [])
    figures = compared(
        bench="matcher",
        records=lane.records,
        rate_per_s=lane.rate_per_s,
        baseline="the same matching, one transaction each",
        baseline_per_s=baseline.rate_per_s,
    )
    return dataclasses.replace(
        figures,
        p50_ms=round(percentile(durations_ms, 0.5), 1),
        p99_ms=round(percentile(durations_ms, 0.99), 1),
        note=f"{patients} patients known, loaded in {load_s:.0f} s; durations are of transactions of {BATCH} referrals",
    )


def _raw_records(codec: Codec, events: Iterable[ReferralReceived]) -> list[RawRecord]:
    return [
        RawRecord(
            topic=event.schema_name,
            partition=0,
            offset=offset,
            key=event.matching_key.encode(),
            value=codec.encode(event),
            headers=(),
            recorded_at=START,
        )
        for offset, event in enumerate(events)
    ]
