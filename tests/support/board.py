"""A board over a real database, with a broker that is part of the test."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
import uvicorn
from psycopg import sql

from baton.migrations import migrate
from runtime.clock import FixedClock
from runtime.kafka import PublishFailed
from schemas.event import Event
from schemas.events import ReferralCommanded
from services.board.app import make_app
from services.board.desk import Desk
from services.board.settings import BoardSettings
from services.board.store.session import Pool
from tests.support.network_rows import NetworkRows
from tests.support.waiting import eventually

ELSEWHERE = {"kafka_bootstrap_servers": "none", "schema_registry_url": "none"}


@dataclass
class AnsweringBroker:
    """Keeps what the board published and answers commands as it was told to, as the stager would."""

    database_url: str
    events: list[Event] = field(default_factory=list)
    outcome: tuple[str, str | None] | None = ("applied", None)
    is_away: bool = False

    def publish(self, event: Event) -> None:
        """Take an event."""
        if self.is_away:
            raise PublishFailed
        self.events.append(event)
        if isinstance(event, ReferralCommanded) and self.outcome is not None:
            self._answer(event, *self.outcome)

    def _answer(self, event: ReferralCommanded, outcome: str, refusal: str | None) -> None:
        row = {
            "command_id": event.event_id,
            "referral_id": event.referral_id,
            "action": event.action,
            "outcome": outcome,
            "refusal": refusal,
            "detail": "it was changed meanwhile" if refusal else None,
            "version": 1,
            "by_user": event.by_user,
            "by_role": event.by_role,
            "at": event.at,
        }
        with psycopg.connect(self.database_url) as connection:
            NetworkRows(connection).insert("stager.command", row)


def board_settings(database_url: str, **more: Any) -> BoardSettings:
    """Return settings of a board that needs no broker."""
    return BoardSettings(**(ELSEWHERE | {"board_pool_size": 4} | more), database_url=database_url)


def desk_over(pool: Pool, broker: AnsweringBroker, now: datetime, **settings: Any) -> Desk:
    """Return the parts of a board whose clock stands still."""
    return Desk(
        settings=board_settings(broker.database_url, **settings),
        pool=pool,
        clock=FixedClock(now),
        publish=broker.publish,
    )


@contextmanager
def migrated_database(server_url: str, name: str) -> Iterator[str]:
    """Make a database with every table, and drop it afterwards."""
    name = f"{name}{secrets.token_hex(4)}"
    with psycopg.connect(server_url, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            url = server_url.rpartition("/")[0] + f"/{name}"
            migrate(url)
            yield url
        finally:
            owner.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def served(desk: Desk) -> Iterator[str]:
    """Serve a board on a free port of this machine and yield its address."""
    server = uvicorn.Server(uvicorn.Config(make_app(desk), port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    eventually(lambda: server.started, what="the board's port")
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(120)
