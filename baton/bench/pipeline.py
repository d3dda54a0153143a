"""The whole pipeline: how fast submissions become committed state, and how soon one is visible at a steady rate."""

import threading
import time
from datetime import datetime
from pathlib import Path

import psycopg
from confluent_kafka import Consumer

from baton.bench.figures import Figures, percentile
from baton.bench.submissions import CHUNK, accept, make_forms
from baton.sandbox import Sandbox
from baton.synthetic.messages import Message
from runtime.clock import MachineClock
from runtime.document_store import LocalDocumentStore
from runtime.kafka import Publisher, consumer_config, make_publisher
from runtime.registry import make_codec
from runtime.settings import ServiceSettings
from schemas.codec import Codec
from schemas.events import IntakeSubmitted, ReferralState
from schemas.ids import referral_id_of

RECORDS = 20_000
SERVICES = ("intake", "matcher", "stager")
STEADY_PER_S = 300
STEADY_S = 30
TICK_S = 0.02
WITHIN_S = 300.0


def bench_pipeline(infrastructure: ServiceSettings, folder: Path, *, records: int = RECORDS) -> tuple[Figures, Figures]:
    """Measure the rate from submission to committed state, then the latency at a steady 300 a second."""
    with Sandbox(infrastructure, folder) as sandbox:
        run = PipelineRun(sandbox)
        sandbox.start(*SERVICES)
        rate = run.throughput(list(make_forms(1, records)))
        latencies = run.latencies_s(list(make_forms(2, STEADY_PER_S * STEADY_S)))
    throughput = Figures(bench="pipeline throughput", records=records, rate_per_s=round(rate, 1))
    latency = Figures(
        bench=f"pipeline at {STEADY_PER_S}/s",
        records=len(latencies),
        rate_per_s=STEADY_PER_S,
        p50_ms=round(percentile(latencies, 0.50) * 1000, 1),
        p99_ms=round(percentile(latencies, 0.99) * 1000, 1),
        note="from acceptance to the state on the public topic, which is after it is committed and visible",
    )
    return throughput, latency


class PipelineRun:
    """One deployment under load."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._settings = sandbox.settings
        self._codec = make_codec(self._settings)
        self._publisher: Publisher = make_publisher(self._settings, self._codec, source="bench")
        self._documents = LocalDocumentStore(sandbox.documents)
        self._clock = MachineClock()

    def throughput(self, forms: list[Message]) -> float:
        """Accept forms as fast as the pipeline takes them and return referrals a second until all are committed."""
        began = time.monotonic()
        for start in range(0, len(forms), CHUNK):
            self._accept(forms[start : start + CHUNK])
        with psycopg.connect(self._settings.database_url, autocommit=True) as connection:
            while _count(connection) < len(forms):
                if time.monotonic() - began > WITHIN_S:
                    raise TimeoutError(f"{_count(connection)} of {len(forms)} referrals")
                time.sleep(TICK_S)
        return len(forms) / (time.monotonic() - began)

    def latencies_s(self, forms: list[Message]) -> list[float]:
        """Accept forms at a steady rate and return the seconds until each one's state was public."""
        accepted: dict[str, datetime] = {}
        seen: dict[str, datetime] = {}
        stop = threading.Event()
        ready = threading.Event()
        reader = threading.Thread(target=_read_states, args=(self._settings, self._codec, seen, ready, stop))
        reader.start()
        ready.wait(30)
        self._steadily(forms, accepted)
        deadline = time.monotonic() + 30
        while len(accepted.keys() & seen.keys()) < len(accepted) and time.monotonic() < deadline:
            time.sleep(TICK_S)
        stop.set()
        reader.join()
        missing = accepted.keys() - seen.keys()
        if missing:
            raise TimeoutError(f"{len(missing)} referrals never became visible")
        return [(seen[key] - at).total_seconds() for key, at in accepted.items()]

    def _steadily(self, forms: list[Message], accepted: dict[str, datetime]) -> None:
        per_tick = int(STEADY_PER_S * TICK_S)
        began = time.monotonic()
        for tick, start in enumerate(range(0, len(forms), per_tick)):
            time.sleep(max(0.0, began + tick * TICK_S - time.monotonic()))
            for event in self._accept(forms[start : start + per_tick]):
                accepted[_referral_id(event)] = event.accepted_at

    def _accept(self, forms: list[Message]) -> list[IntakeSubmitted]:
        events = accept(self._documents, forms, self._clock.now())
        self._publisher.publish_all(events, self._clock.now())
        return events


def _referral_id(event: IntakeSubmitted) -> str:
    return referral_id_of(event.submission_id)


def _count(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT count(*) FROM stager.referral").fetchone()
    return int(row[0]) if row else 0


def _read_states(
    settings: ServiceSettings,
    codec: Codec,
    seen: dict[str, datetime],
    ready: threading.Event,
    stop: threading.Event,
) -> None:
    clock = MachineClock()
    consumer = Consumer(consumer_config(settings, service="bench-reader"))
    consumer.subscribe([settings.topic_prefix + ReferralState.schema_name])
    while not stop.is_set():
        messages = consumer.consume(500, 0.02)
        if not messages and seen:
            # what the run before left on the topic has been read
            ready.set()
        for message in messages:
            if message.error() is None:
                state = codec.decode(ReferralState, message.value())
                seen.setdefault(state.referral_id, clock.now())
    consumer.close()
