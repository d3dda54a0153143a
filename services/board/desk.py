"""What every request of the API works with, and the one way to act for a person."""

import hmac
import ipaddress
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from runtime.audit import AuditEntry, append_audit
from runtime.clock import Clock
from runtime.settings import Environment
from schemas.event import Event
from services.board.settings import BoardSettings
from services.board.store.session import PatientRead, Pool, Session, session_of

USER_HEADER = "X-Baton-User"
PROXY_HEADER = "X-Baton-Proxy"
REQUEST_HEADER = "X-Request-Id"
LONGEST_ID = 64


class NotSignedIn(Exception):
    """Nobody has vouched for who asks."""


@dataclass(frozen=True)
class Desk:
    """The parts of the running board."""

    settings: BoardSettings
    pool: Pool
    clock: Clock
    #: returns when the broker has the event
    publish: Callable[[Event], None]


@dataclass(frozen=True)
class Caller:
    """A person with a request."""

    desk: Desk
    user_id: str
    request_id: str

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open the person's transaction; what was read is audited in it before it ends.

        Raises:
            UnknownPerson: the directory does not list the person.
        """
        with session_of(self.desk.pool, self.user_id) as session:
            yield session
            entries = [self._entry(session, read) for read in session.reads]
            append_audit(session.connection, f"board-{self.desk.settings.instance}", entries)

    def _entry(self, session: Session, read: PatientRead) -> AuditEntry:
        return AuditEntry(
            at=self.desk.clock.now(),
            actor=session.person.user_id,
            actor_role=session.person.role,
            action=read.action,
            network_id=session.person.network_id,
            clinic_id=read.clinic_id,
            referral_id=read.referral_id,
            patient_id=read.patient_id,
            cause_id=self.request_id,
        )


def caller_of(request: Request) -> Caller:
    """Return who asks, if a trusted proxy says so, or, outside production, if the request comes from this machine.

    Raises:
        NotSignedIn: neither is so.
    """
    desk: Desk = request.app.state.desk
    user_id = request.headers.get(USER_HEADER, "")
    if not user_id or len(user_id) > LONGEST_ID or not _is_vouched_for(request, desk.settings):
        raise NotSignedIn
    return Caller(desk, user_id, _request_id_of(request))


def _request_id_of(request: Request) -> str:
    try:
        return str(uuid.UUID(request.headers.get(REQUEST_HEADER, "")))
    except ValueError:
        return str(uuid.uuid4())


def _is_vouched_for(request: Request, settings: BoardSettings) -> bool:
    secret = settings.board_trusted_proxy
    if secret is not None and secret.get_secret_value():
        told = request.headers.get(PROXY_HEADER, "")
        return hmac.compare_digest(told.encode(), secret.get_secret_value().encode())
    if settings.baton_environment is Environment.PRODUCTION or request.client is None:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


AsCaller = Annotated[Caller, Depends(caller_of)]
