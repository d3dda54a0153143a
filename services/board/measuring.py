"""Measure every request by its route, never by its address."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.metrics import BOARD_REQUESTS


class Measured:
    """Pass requests on and note how long each took."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note its time and status."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = "none"

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        started = time.perf_counter()
        try:
            await self._app(scope, receive, noting)
        finally:
            # the router leaves the route it chose in the scope; an address could hold an id
            route = getattr(scope.get("route"), "path", "unknown")
            BOARD_REQUESTS.labels(route, status).observe(time.perf_counter() - started)
