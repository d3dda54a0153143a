"""The ways the board says no, and how each is told without repeating what was sent."""

from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from services.board.desk import NotSignedIn
from services.board.store.queues import BadPosition
from services.board.store.session import UnknownPerson, Unreachable, UnusableValue

log = structlog.get_logger()


class NotFound(Exception):
    """There is nothing of this id that you may see."""


class NotAllowed(Exception):
    """Your role may not do this."""


class NotPublished(Exception):
    """The command could not be handed on and may not take effect; send it again with the same command id."""


class BadValue(Exception):
    """A value cannot be used; the field is named, the value is not repeated."""


_STATUS: dict[type[Exception], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    NotAllowed: HTTPStatus.FORBIDDEN,
    NotPublished: HTTPStatus.SERVICE_UNAVAILABLE,
    NotSignedIn: HTTPStatus.UNAUTHORIZED,
    UnknownPerson: HTTPStatus.UNAUTHORIZED,
    BadPosition: HTTPStatus.BAD_REQUEST,
    BadValue: HTTPStatus.UNPROCESSABLE_ENTITY,
    Unreachable: HTTPStatus.SERVICE_UNAVAILABLE,
    UnusableValue: HTTPStatus.UNPROCESSABLE_ENTITY,
}


def add_refusals(app: FastAPI) -> None:
    """Teach the application to tell each refusal."""
    for kind, status in _STATUS.items():
        app.add_exception_handler(kind, _teller(status))
    app.add_exception_handler(RequestValidationError, _tell_invalid)


def _teller(status: HTTPStatus) -> Callable[[Request, Exception], JSONResponse]:
    def tell(_request: Request, refusal: Exception) -> JSONResponse:
        # A word of the code such as a field name may go with it; nothing that was sent does.
        words = [(type(refusal).__doc__ or "").strip(), *(str(word) for word in refusal.args)]
        return JSONResponse({"detail": " ".join(words)}, status_code=status)

    return tell


def _tell_invalid(_request: Request, error: Exception) -> JSONResponse:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    told = [{"field": ".".join(str(part) for part in p["loc"]), "problem": p["type"]} for p in problems]
    return JSONResponse(
        {"detail": "The request is not usable.", "problems": told}, status_code=HTTPStatus.UNPROCESSABLE_ENTITY
    )


class NoLeaks:
    """Answer any failure with a bare 500: the server's own log of it would quote what the failing code had in hand."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and keep its failure from everybody but our own log."""
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - see the class
            log.error("request_failed", error=error)
            answer = JSONResponse({"detail": "The board failed."}, status_code=HTTPStatus.INTERNAL_SERVER_ERROR)
            with suppress(RuntimeError):  # the answer had begun
                await answer(scope, receive, send)
