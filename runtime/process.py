"""Start a service: settings, logs, health, the loop, and an end that is either clean or at once."""

import contextlib
import gc
import os
from collections.abc import Callable, Iterator
from typing import NoReturn, TypeVar

import psycopg
import structlog
from confluent_kafka import KafkaException

from runtime import failpoints
from runtime.clock import clock_of
from runtime.exactly_once import ExactlyOnce
from runtime.health import Readiness, serve_health
from runtime.kafka import FatalErrorFlag, FatalKafkaError, make_consumer, make_transactional_producer
from runtime.logs import configure_logs
from runtime.pipeline import Pipeline
from runtime.ports import PortTaken
from runtime.postgres import allow_long_thought, connect, end_predecessor
from runtime.registry import make_codec
from runtime.settings import ServiceSettings, load_settings
from runtime.stopping import StopRequest, stop_on_signals
from runtime.unavailable import InfrastructureUnavailable
from runtime.watchdog import BrokerLag, Watchdog, start_watchdog

S = TypeVar("S", bound=ServiceSettings)
log = structlog.get_logger()
#: a batch makes some tens of thousands of objects, and nearly all of them die with it
YOUNG_OBJECTS = 100_000


def begin_process(settings: ServiceSettings, *, service: str) -> Readiness:
    """Configure logs and failpoints and serve health; return the readiness to be set."""
    configure_logs(service=service, instance=settings.instance, level=settings.log_level)
    failpoints.arm(settings.failpoint)
    readiness = Readiness()
    with ending_if_port_is_taken():
        serve_health(
            host=settings.metrics_host,
            port=settings.metrics_port,
            readiness=readiness,
            token=settings.process_token,
        )
    return readiness


@contextlib.contextmanager
def ending_if_port_is_taken() -> Iterator[None]:
    """End the process with a line that says whose the port is; its place is free when the successor starts, or not."""
    try:
        yield
    except PortTaken as taken:
        log.error("process_ends", error=taken, hint=str(taken))
        end_at_once(failpoints.EXIT_INTERNAL)


def run_pipeline(make: Callable[[S], Pipeline], settings_class: type[S]) -> NoReturn:
    """Run a pipeline as this process until it is told to stop or has to be started again."""
    settings = load_settings(settings_class)
    stop = stop_on_signals()
    pipeline = make(settings)
    readiness = begin_process(settings, service=pipeline.service)
    try:
        _run(pipeline, settings, stop, readiness)
    except (InfrastructureUnavailable, FatalKafkaError, KafkaException, psycopg.Error) as error:
        log.error("process_ends", error=error, code=_code_of(error))
        end_at_once(failpoints.EXIT_INTERNAL)
    except Exception as error:  # noqa: BLE001 - told by its kind and place; the supervisor starts the successor
        log.error("process_ends_unexpectedly", error=error)
        end_at_once(failpoints.EXIT_INTERNAL)
    log.info("stopped")
    end_at_once(0)


def end_at_once(code: int) -> NoReturn:
    """Leave without closing clients: closing could commit or leave the group in a state nobody decided."""
    os._exit(code)


def _run(pipeline: Pipeline, settings: ServiceSettings, stop: StopRequest, readiness: Readiness) -> None:
    fatal = FatalErrorFlag()
    consumer = make_consumer(settings, service=pipeline.service, on_error=fatal.report)
    producer = None
    if pipeline.produces:
        producer = make_transactional_producer(settings, service=pipeline.service, on_error=fatal.report)
    step = ExactlyOnce(
        pipeline,
        settings,
        consumer=consumer,
        producer=producer,
        connection=_own_connection(pipeline, settings),
        codec=make_codec(settings),
        clock=clock_of(settings.clock),
        fatal=fatal,
    )
    spare_the_collector()
    start_watchdog(Watchdog(step.progress, limit_s=settings.watchdog_s, lag=BrokerLag(settings, step.progress)))
    log.info("started")
    step.run(should_stop=stop.is_set, readiness=readiness)


def spare_the_collector() -> None:
    """Keep the garbage collector from walking what lives for ever, and from walking a batch while it grows."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 50, 100)


def _own_connection(pipeline: Pipeline, settings: ServiceSettings) -> psycopg.Connection:
    connection = connect(settings, role=pipeline.service)
    end_predecessor(connection, settings, role=pipeline.service)
    if not pipeline.keeps_inbox:
        allow_long_thought(connection)
    return connection


def _code_of(error: Exception) -> str | None:
    if isinstance(error, InfrastructureUnavailable):
        return error.part
    if isinstance(error, psycopg.Error):
        return error.sqlstate
    if isinstance(error, KafkaException):
        return str(error.args[0].name())
    return str(error)
