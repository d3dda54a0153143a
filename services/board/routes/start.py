"""The page at the board's root, for whoever opens its address in a browser; it shows nothing of any referral."""

from fastapi import APIRouter, Request, Response

from runtime.start_page import HEADERS, MEDIA_TYPE, start_page
from runtime.version import version_of_baton
from services.board.desk import PROXY_HEADER, USER_HEADER

router = APIRouter()


@router.get("/", include_in_schema=False)
def start(request: Request) -> Response:
    """Tell what this is, where the API is and how staff say who they are."""
    says = (
        f"{request.app.description} Version {version_of_baton()}.",
        f"The API is below /api. A request names the person who asks in the header {USER_HEADER}. On the machine of a "
        f"trial that is enough; elsewhere a proxy that has checked who it is vouches for it in {PROXY_HEADER}.",
        "At a terminal the same is asked by `baton status`, `baton timeline` and `baton command`.",
    )
    links = {
        "/openapi.json": "the API, described for programs",
        "/health": "whether the board lives",
        "/ready": "whether its database answers",
    }
    content = start_page("Baton board", says=says, links=links, table=_rows(request))
    return Response(content, media_type=MEDIA_TYPE, headers=dict(HEADERS))


def _rows(request: Request) -> list[tuple[str, str, str]]:
    described = request.app.openapi()["paths"]
    return [
        (method.upper(), path, str(operation.get("description", "")))
        for path, operations in described.items()
        for method, operation in operations.items()
        if path.startswith("/api/")
    ]
