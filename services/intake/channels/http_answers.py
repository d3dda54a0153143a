"""What HTTP senders are told: ids of what was accepted, or one word and one sentence of what was not."""

from collections.abc import Sequence
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.metrics import SUBMISSIONS
from schemas.vocabulary import Channel
from services.intake.channels import fhir
from services.intake.channels.accept import Accepted
from services.intake.channels.refusal import Refusal, RefusalCode

RETRY_AFTER_S = 2
STATUS = {
    RefusalCode.EMPTY: HTTPStatus.BAD_REQUEST,
    RefusalCode.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    RefusalCode.TOO_MANY_PARTS: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    RefusalCode.TOO_MANY_ROWS: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    RefusalCode.TOO_SLOW: HTTPStatus.REQUEST_TIMEOUT,
    RefusalCode.NOT_JSON: HTTPStatus.BAD_REQUEST,
    RefusalCode.NOT_A_FORM: HTTPStatus.BAD_REQUEST,
    RefusalCode.WRONG_RESOURCE: HTTPStatus.BAD_REQUEST,
    RefusalCode.NO_HEADER: HTTPStatus.UNPROCESSABLE_ENTITY,
    RefusalCode.UNSUPPORTED_TYPE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    RefusalCode.UNKNOWN_CHANNEL: HTTPStatus.NOT_FOUND,
    RefusalCode.UNKNOWN_KEY: HTTPStatus.UNAUTHORIZED,
    RefusalCode.NOT_ADMITTED: HTTPStatus.FORBIDDEN,
    RefusalCode.BAD_ADDRESS: HTTPStatus.UNPROCESSABLE_ENTITY,
    RefusalCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}
_FHIR_PATH = "/fhir"
_CHANNELS = frozenset(Channel)

log = structlog.get_logger()


def accepted(request: Request, accepted: Sequence[Accepted]) -> Response:
    """Return the answer to what was accepted."""
    rows = [{"submission_id": one.submission_id, "referral_id": one.referral_id} for one in accepted]
    headers = {}
    if _is_fhir(request):
        headers["Location"] = f"{_FHIR_PATH}/ServiceRequest/{rows[0]['referral_id']}"
    body = {**rows[0], "referrals": rows} if len(rows) == 1 else {"referrals": rows}
    # an empty batch is well received and creates nothing
    return JSONResponse(body, status_code=HTTPStatus.CREATED if rows else HTTPStatus.OK, headers=headers)


def refused(request: Request, refusal: Refusal) -> Response:
    """Return the answer to what was refused."""
    SUBMISSIONS.labels(_channel(request), refusal.code).inc()
    headers = {"Retry-After": str(RETRY_AFTER_S)} if refusal.code is RefusalCode.UNAVAILABLE else {}
    if _is_fhir(request):
        return JSONResponse(
            fhir.outcome(refusal), status_code=STATUS[refusal.code], headers=headers, media_type=fhir.MEDIA_TYPE
        )
    body = {"error": refusal.code.value, "reason": refusal.sentence}
    return JSONResponse(body, status_code=STATUS[refusal.code], headers=headers)


def add_answers(app: FastAPI) -> None:
    """Teach the application to tell refusals, and to keep every other failure to itself."""

    def tell(request: Request, error: Exception) -> Response:
        return refused(request, error) if isinstance(error, Refusal) else Response(status_code=500)

    def tell_plain(_request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        word = HTTPStatus(status).phrase
        return JSONResponse({"error": word.lower().replace(" ", "_"), "reason": f"{word}."}, status_code=status)

    app.add_exception_handler(Refusal, tell)
    app.add_exception_handler(HTTPException, tell_plain)
    app.add_middleware(NoLeaks)


class NoLeaks:
    """Answer any failure with a bare 500: the server's own log of it would quote what the failing code had in hand."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and keep its failure from everybody but our own log."""
        has_begun = False

        async def note(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, note)
        except Exception as error:  # noqa: BLE001 - told by its kind and place only
            log.error("request_failed", error=error)
            if scope["type"] == "http" and not has_begun:
                body = {"error": "internal_error", "reason": "The message was not taken; send it again."}
                await JSONResponse(body, status_code=HTTPStatus.INTERNAL_SERVER_ERROR)(scope, receive, send)


def _is_fhir(request: Request) -> bool:
    return request.url.path.startswith(_FHIR_PATH)


def _channel(request: Request) -> str:
    word = request.path_params.get("channel") or request.url.path.strip("/").partition("/")[0]
    return word if word in _CHANNELS else "unknown"
