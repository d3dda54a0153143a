"""The intake normaliser against a bare consume, decode, validate, encode, produce loop on the same records."""

import os
import subprocess
import sys
from pathlib import Path

from baton.bench.bare_loop import OUTPUT
from baton.bench.figures import Figures, compared
from baton.bench.progress import rate_of
from baton.bench.submissions import CHUNK, accept, make_forms
from baton.sandbox import Sandbox
from baton.stack.services import system_environment
from baton.topics import create_topics
from runtime.clock import MachineClock
from runtime.document_store import LocalDocumentStore
from runtime.kafka import make_admin, make_publisher
from runtime.registry import make_codec
from runtime.settings import ServiceSettings
from schemas.topics import DEFAULT_PARTITIONS

RECORDS = 20_000
WITHIN_S = 120.0


def bench_intake(infrastructure: ServiceSettings, folder: Path, *, records: int = RECORDS) -> Figures:
    """Work the same submissions off by the bare loop, by the normaliser and by the bare loop again."""
    with Sandbox(infrastructure, folder) as sandbox:
        count = _load(sandbox, records)
        before = _bare_rate(sandbox, "bench-bare-before", count)
        sandbox.start("intake")
        admin = make_admin(infrastructure.kafka_bootstrap_servers)
        rate = rate_of(admin, f"{sandbox.prefix}intake", records=count, within_s=WITHIN_S)
        sandbox.stop("intake")
        after = _bare_rate(sandbox, "bench-bare-after", count)
    return compared(
        bench="intake",
        records=count,
        rate_per_s=rate,
        baseline="bare consume, Avro decode, pydantic, Avro encode, produce",
        baseline_per_s=(before + after) / 2,
    )


def _load(sandbox: Sandbox, records: int) -> int:
    """Publish submissions with their documents and return how many."""
    settings = sandbox.settings
    clock = MachineClock()
    publisher = make_publisher(settings, make_codec(settings), source="bench")
    documents = LocalDocumentStore(sandbox.documents)
    forms = list(make_forms(1, records))
    for start in range(0, records, CHUNK):
        now = clock.now()
        publisher.publish_all(accept(documents, forms[start : start + CHUNK], now), now)
    output = settings.topic_prefix + OUTPUT
    admin = make_admin(settings.kafka_bootstrap_servers)
    create_topics(admin, {output: {}}, partitions=DEFAULT_PARTITIONS, replication_factor=1)
    return records


def _bare_rate(sandbox: Sandbox, group: str, count: int) -> float:
    settings = sandbox.settings
    process = subprocess.Popen(
        [sys.executable, "-m", "baton.bench.bare_loop", group],
        env={**system_environment(os.environ), **sandbox.environment()},
        cwd=Path(__file__).resolve().parents[2],
    )
    try:
        admin = make_admin(settings.kafka_bootstrap_servers)
        return rate_of(admin, f"{sandbox.prefix}{group}", records=count, within_s=WITHIN_S)
    finally:
        process.kill()
        process.wait()
