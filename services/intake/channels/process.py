"""Put the doors together and keep them running until told to stop."""

import asyncio
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import structlog
import uvicorn

from runtime.clock import Clock, clock_of
from runtime.document_store import DocumentStoreUnavailable, LocalDocumentStore, make_document_store
from runtime.failpoints import EXIT_INTERNAL
from runtime.kafka import make_admin, make_publisher
from runtime.ports import listening_socket, naming_the_occupant
from runtime.process import begin_process, end_at_once, ending_if_port_is_taken
from runtime.registry import make_codec
from runtime.settings import EXIT_USAGE, load_settings
from runtime.stopping import StopRequest, stop_on_signals
from schemas.events import IntakeSubmitted
from schemas.topics import topic_of
from schemas.vocabulary import Channel
from services.intake.channels.accept import Acceptor
from services.intake.channels.arrival import Arrival, Sender
from services.intake.channels.drop_folder import DropFolder
from services.intake.channels.http_door import HttpDoor, make_http_app
from services.intake.channels.imap import UnusableMailbox, inbox_opener
from services.intake.channels.mailbox import MailboxPoller
from services.intake.channels.mllp_door import MllpDoor, MllpServer
from services.intake.channels.senders import Senders, UnusableSources, load_senders
from services.intake.channels.watch import Watch
from services.intake.settings import ChannelSettings

SERVICE = "channels"
MOST_REQUESTS = 600
KEEP_ALIVE_S = 30
LOOK_WITHIN_S = 2.0
STOP_WITHIN_S = 5
SETTLE_EVERY_S = 60.0

log = structlog.get_logger()


class TopicAway(Exception):
    """The broker does not know the topic of submissions; run `baton topics apply`."""


@dataclass(frozen=True, slots=True)
class Channels:
    """The parts of the process."""

    settings: ChannelSettings
    senders: Senders
    clock: Clock
    watch: Watch
    acceptor: Acceptor
    watchers: tuple[Callable[[StopRequest], None], ...]


def main() -> NoReturn:
    """Take messages until told to stop."""
    settings = load_settings(ChannelSettings)
    stop = stop_on_signals()
    try:
        channels = _put_together(settings)
    except (UnusableSources, UnusableMailbox) as refusal:
        sys.stderr.write(f"{' '.join((refusal.__doc__ or '').split())}\n")
        raise SystemExit(EXIT_USAGE) from None
    channels.acceptor.start()
    channels.watch.start()
    threads = [threading.Thread(target=watcher, args=(stop,), daemon=True) for watcher in channels.watchers]
    for thread in threads:
        thread.start()
    try:
        asyncio.run(_serve(channels))
    except Exception as error:  # noqa: BLE001 - told by its kind and place; the supervisor starts the successor
        log.error("process_ends", error=error, reason=error.strerror if isinstance(error, OSError) else None)
        end_at_once(EXIT_INTERNAL)
    stop.set()
    for thread in threads:
        thread.join(STOP_WITHIN_S)
    channels.acceptor.stop()
    log.info("stopped")
    end_at_once(0)


def _put_together(settings: ChannelSettings) -> Channels:
    senders = load_senders(settings)
    readiness = begin_process(settings, service=SERVICE)
    clock = clock_of(settings.clock)
    store = make_document_store(settings.document_store)
    codec = make_codec(settings)
    publisher = make_publisher(settings, codec, source=SERVICE)
    admin = make_admin(settings.kafka_bootstrap_servers)
    topic = settings.topic_prefix + topic_of(IntakeSubmitted).name

    def prepare() -> None:
        store.remove_leftovers(clock.now())
        codec.encode(_specimen())

    def look() -> None:
        store.put(b"")
        found = admin.list_topics(topic, timeout=LOOK_WITHIN_S).topics.get(topic)
        if found is None or found.error is not None:
            raise TopicAway

    watch = Watch(prepare=prepare, look=look, readiness=readiness)
    acceptor = Acceptor(
        store,
        lambda events: publisher.publish_all(events, clock.now()),
        clock,
        on_success=watch.accepted,
        on_trouble=watch.suspect,
    )
    watchers = [lambda stop: _settle_often(store, stop), *_watchers(settings, acceptor, clock, watch)]
    return Channels(settings, senders, clock, watch, acceptor, tuple(watchers))


def _settle_often(store: LocalDocumentStore, stop: StopRequest) -> None:
    while not stop.wait(SETTLE_EVERY_S):
        try:
            store.settle()
        except DocumentStoreUnavailable as error:
            log.warning("documents_not_settled", error=error)


def _specimen() -> IntakeSubmitted:
    # encoding any event looks the schema up, so that no sender waits for that
    at = datetime(2000, 1, 1, tzinfo=UTC)
    arrival = Arrival(
        sender=Sender("none", "none", "none"),
        channel=Channel.PORTAL,
        content=b"",
        content_type="",
        received_at=at,
        substance="",
    )
    return arrival.submitted("", at)


def _watchers(
    settings: ChannelSettings, acceptor: Acceptor, clock: Clock, watch: Watch
) -> list[Callable[[StopRequest], None]]:
    watchers: list[Callable[[StopRequest], None]] = []
    network, clinic = settings.default_network, settings.default_clinic
    if settings.drop_folder:
        folder = DropFolder(
            Path(settings.drop_folder),
            acceptor,
            clock,
            network=network,
            clinic=clinic,
            settle_s=settings.drop_settle_s,
            is_open=lambda: watch.is_open,
        )
        folder.prepare()
        watchers.append(folder.watch)
    if settings.imap_url:
        poller = MailboxPoller(
            inbox_opener(settings),
            acceptor,
            clock,
            channel=settings.imap_channel,
            sender=Sender(network, clinic, f"{settings.imap_channel}-mailbox"),
            is_open=lambda: watch.is_open,
        )
        watchers.append(lambda stop: poller.watch(stop, settings.imap_poll_s))
    return watchers


async def _serve(channels: Channels) -> None:
    settings = channels.settings
    mllp = MllpServer(
        MllpDoor(
            channels.acceptor,
            channels.senders,
            channels.clock,
            lambda: channels.watch.is_open,
            frame_s=settings.mllp_frame_s,
            idle_s=settings.mllp_idle_s,
        )
    )
    with ending_if_port_is_taken():
        listens = listening_socket(settings.intake_http_host, settings.intake_http_port)
        with naming_the_occupant(settings.mllp_port):
            await mllp.start(settings.mllp_host, settings.mllp_port)
    log.info("started")
    try:
        await _http_server(channels).serve(sockets=[listens])
    finally:
        await mllp.close()


def _http_server(channels: Channels) -> uvicorn.Server:
    door = HttpDoor(channels.acceptor, channels.senders, channels.clock, lambda: channels.watch.is_open)
    return uvicorn.Server(
        uvicorn.Config(
            make_http_app(door),
            access_log=False,
            log_config=None,
            server_header=False,
            # who is behind which address decides who may send, so nobody else's word on it counts
            proxy_headers=False,
            limit_concurrency=MOST_REQUESTS,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=STOP_WITHIN_S,
        )
    )
