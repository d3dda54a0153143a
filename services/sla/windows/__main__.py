"""Run the windows: `python -m services.sla.windows`; one instance, as it needs all signals of a queue.

Crash-only: whatever goes wrong ends the process, and its successor rebuilds the tables from their changelogs. What it
sends again then, the courier drops, because it tells each signal once.
"""

import asyncio
import signal
from typing import NoReturn

import structlog
from confluent_kafka import KafkaException

from runtime.failpoints import EXIT_INTERNAL
from runtime.health import Readiness
from runtime.process import begin_process, end_at_once
from runtime.settings import load_settings
from runtime.watchdog import BrokerLag, Watchdog, start_watchdog
from services.sla.settings import WindowsSettings
from services.sla.windows.changelogs import APP
from services.sla.windows.rewinding import begin_anew_without_tables
from services.sla.windows.worker import ChangelogsMissing, Worker, partitions_of

STOP_WITHIN_S = 5.0

log = structlog.get_logger()


def main() -> NoReturn:
    """Run the windows as this process until it is told to stop or has to be started again."""
    settings = load_settings(WindowsSettings)
    readiness = begin_process(settings, service=APP)
    try:
        asyncio.run(_run(settings, readiness))
    except ChangelogsMissing as error:
        log.error("process_ends", error=error, hint=ChangelogsMissing.__doc__)
        end_at_once(EXIT_INTERNAL)
    except KafkaException as error:
        log.error("process_ends", error=error, code=error.args[0].name())
        end_at_once(EXIT_INTERNAL)
    except Exception as error:  # noqa: BLE001 - told by its kind and place; the supervisor starts the successor
        log.error("process_ends_unexpectedly", error=error)
        end_at_once(EXIT_INTERNAL)
    log.info("stopped")
    end_at_once(0)


async def _run(settings: WindowsSettings, readiness: Readiness) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    partitions = partitions_of(settings)
    await asyncio.to_thread(begin_anew_without_tables, settings, partitions=partitions)
    worker = Worker(settings, readiness, partitions=partitions)
    lag = BrokerLag(settings, worker.progress)
    start_watchdog(Watchdog(worker.progress, limit_s=settings.sla_windows_watchdog_s, lag=lag))
    log.info("started")
    life = asyncio.create_task(_live(worker))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait((life, stopped), return_when=asyncio.FIRST_COMPLETED)
    if not stopped.done():
        await life
        end_at_once(EXIT_INTERNAL)
    await asyncio.wait((asyncio.create_task(worker.app.stop()),), timeout=STOP_WITHIN_S)


async def _live(worker: Worker) -> None:
    await worker.app.start()
    await worker.app.wait_until_stopped()
    if worker.app.crash_reason is not None:
        raise worker.app.crash_reason


if __name__ == "__main__":
    main()
