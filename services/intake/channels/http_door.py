"""The HTTP door: the portal, FHIR, and everything else that can be handed in by a program."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response

from runtime.clock import Clock
from runtime.start_page import HEADERS, MEDIA_TYPE
from schemas.vocabulary import Channel
from services.intake.channels import fhir, hl7, http_answers, portal, uploads
from services.intake.channels.accept import MOST_AT_ONCE, Accepted, Acceptor
from services.intake.channels.arrival import Arrival, Sender
from services.intake.channels.arrivals import Handed, arrivals_of, media_types_of
from services.intake.channels.bodies import Bodies
from services.intake.channels.http_start import door_page
from services.intake.channels.limits import LARGEST, LARGEST_UPLOAD
from services.intake.channels.refusal import Refusal, RefusalCode
from services.intake.channels.senders import KnownSenders, Senders
from services.intake.extraction.media_types import bare_type

#: larger content is looked at in a thread, so that the others are served meanwhile
LARGEST_IN_LOOP = 100_000
KEY_HEADER = "X-Baton-Source-Key"
NETWORK_HEADER, CLINIC_HEADER, SOURCE_HEADER = "X-Baton-Network", "X-Baton-Clinic", "X-Baton-Source"
MESSAGE_ID_HEADER, FILE_NAME_HEADER = "Idempotency-Key", "X-Baton-File-Name"
_INBOUND = frozenset(Channel) - {Channel.PORTAL, Channel.FHIR}
#: what a body of these may be; that of another channel is looked at when its arrivals are made
_ALLOWED: Mapping[Channel, tuple[str, ...]] = {
    Channel.PORTAL: (portal.MEDIA_TYPE,),
    Channel.FHIR: (fhir.MEDIA_TYPE, portal.MEDIA_TYPE),
    Channel.HL7: (hl7.MEDIA_TYPE,),
}

router = APIRouter()


@dataclass(frozen=True, slots=True)
class HttpDoor:
    """What the door needs to accept."""

    acceptor: Acceptor
    senders: Senders
    clock: Clock
    is_open: Callable[[], bool]
    bodies: Bodies = field(default_factory=Bodies)

    def sender(self, request: Request, channel: Channel) -> Sender:
        """Return whose request it is.

        Raises:
            Refusal: nobody's who may do this.
        """
        peer = request.client.host if request.client else ""
        if isinstance(self.senders, KnownSenders):
            return self.senders.by_key(request.headers.get(KEY_HEADER, ""), channel, peer)
        told, headers = request.query_params, request.headers
        return self.senders.named(
            channel,
            peer,
            network=told.get("network") or headers.get(NETWORK_HEADER),
            clinic=told.get("clinic") or headers.get(CLINIC_HEADER),
            source=told.get("source") or headers.get(SOURCE_HEADER),
        )

    def now(self) -> datetime:
        """Return the time."""
        return self.clock.now()

    def check_open(self) -> None:
        """Refuse while nothing could be kept.

        Raises:
            Refusal: the broker or the document store is away.
        """
        if not self.is_open():
            raise Refusal(RefusalCode.UNAVAILABLE)

    async def accept(self, arrivals: Sequence[Arrival]) -> list[Accepted]:
        """Accept arrivals; many of them in turns, so that others come in between."""
        accepted: list[Accepted] = []
        for start in range(0, len(arrivals), MOST_AT_ONCE):
            part = await asyncio.wrap_future(self.acceptor.begin(arrivals[start : start + MOST_AT_ONCE]))
            accepted.extend(part)
        return accepted


def make_http_app(door: HttpDoor) -> FastAPI:
    """Return the application behind the door."""
    app = FastAPI(title="Baton intake", openapi_url=None)
    app.state.door = door
    app.include_router(router)
    http_answers.add_answers(app)
    return app


@router.post("/portal/referrals")
async def portal_form(request: Request) -> Response:
    """Take a form of the portal, as JSON or as multipart with files."""
    door = _door(request)
    sender = door.sender(request, Channel.PORTAL)
    content_type = request.headers.get("content-type", "")
    if bare_type(content_type) == uploads.MEDIA_TYPE:
        return await _upload(door, sender, request, content_type)
    return await _one_body(door, sender, request, Channel.PORTAL)


@router.post("/fhir")
@router.post("/fhir/Bundle")
@router.post("/fhir/ServiceRequest")
async def fhir_resource(request: Request) -> Response:
    """Take a FHIR Bundle or ServiceRequest."""
    door = _door(request)
    sender = door.sender(request, Channel.FHIR)
    return await _one_body(door, sender, request, Channel.FHIR)


@router.post("/inbound/{channel}")
async def inbound(request: Request, channel: str) -> Response:
    """Take a message of a channel that has no HTTP interface of its own."""
    if channel not in _INBOUND:
        raise Refusal(RefusalCode.UNKNOWN_CHANNEL)
    door, known = _door(request), Channel(channel)
    return await _one_body(door, door.sender(request, known), request, known)


@router.get("/")
async def start(request: Request) -> Response:
    """Show this page."""
    host, port = request.scope["server"]
    content = door_page(
        router.routes,
        _INBOUND,
        lambda channel: _ALLOWED.get(channel) or media_types_of(channel),
        address=f"http://{host}:{port}",
        key_header=KEY_HEADER if isinstance(_door(request).senders, KnownSenders) else None,
    )
    return Response(content, media_type=MEDIA_TYPE, headers=dict(HEADERS))


@router.get("/health")
async def health() -> dict[str, str]:
    """Say that the process lives."""
    return {"status": "alive"}


@router.get("/ready")
async def ready(request: Request) -> Response:
    """Say whether messages are taken now."""
    is_open = _door(request).is_open()
    return JSONResponse({"status": "ready" if is_open else "not ready"}, status_code=200 if is_open else 503)


async def _one_body(door: HttpDoor, sender: Sender, request: Request, channel: Channel) -> Response:
    door.check_open()
    content_type = request.headers.get("content-type", "")
    if channel in _ALLOWED and bare_type(content_type) not in _ALLOWED[channel]:
        raise Refusal(RefusalCode.UNSUPPORTED_TYPE)
    async with door.bodies.taken(request, largest=LARGEST[channel]) as content:
        handed = Handed(
            channel=channel,
            content=content,
            content_type=content_type,
            message_id=request.headers.get(MESSAGE_ID_HEADER),
            file_name=_file_name(request),
        )
        accepted = await door.accept(await _arrivals(handed, sender, door.now()))
    return http_answers.accepted(request, accepted)


async def _upload(door: HttpDoor, sender: Sender, request: Request, content_type: str) -> Response:
    door.check_open()
    async with door.bodies.taken(request, largest=LARGEST_UPLOAD) as body:
        fields, files = await uploads.read_upload(content_type, body)
        if not fields and not files:
            raise Refusal(RefusalCode.EMPTY)
        message_id = request.headers.get(MESSAGE_ID_HEADER)
        arrival = portal.upload_arrival(sender, fields, files, now=door.now(), message_id=message_id)
        accepted = await door.accept([arrival])
    return http_answers.accepted(request, accepted)


async def _arrivals(handed: Handed, sender: Sender, now: datetime) -> list[Arrival]:
    if len(handed.content) <= LARGEST_IN_LOOP:
        return arrivals_of(handed, sender, now=now)
    return await asyncio.to_thread(arrivals_of, handed, sender, now=now)


def _file_name(request: Request) -> str | None:
    told = request.headers.get(FILE_NAME_HEADER)
    return unquote(told, errors="replace") if told else None


def _door(request: Request) -> HttpDoor:
    door: HttpDoor = request.app.state.door
    return door
