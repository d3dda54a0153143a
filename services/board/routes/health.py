"""Whether the board lives and can answer."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from services.board.desk import Desk
from services.board.store.session import is_reachable

router = APIRouter(tags=["health"])


@router.get("/health", response_class=PlainTextResponse)
def health() -> str:
    """Tell that the process lives."""
    return "alive\n"


@router.get("/ready", response_class=PlainTextResponse)
def ready(request: Request, response: Response) -> str:
    """Tell whether the database answers."""
    desk: Desk = request.app.state.desk
    if is_reachable(desk.pool):
        return "ready\n"
    response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return "not ready\n"
