"""Serve /metrics, /health and /ready of a process on one port."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from runtime.ports import naming_the_occupant

#: carries the token that whoever started this process gave it: an answer without it is another process's
PROCESS_HEADER = "Baton-Process"


class Readiness:
    """Whether the process may be sent work; set by the loop, read by the health server."""

    def __init__(self) -> None:
        self._ready = threading.Event()

    def set_ready(self) -> None:
        """Say that the process works."""
        self._ready.set()

    def set_unready(self) -> None:
        """Say that the process waits for something."""
        self._ready.clear()

    def is_ready(self) -> bool:
        """Tell whether the process works."""
        return self._ready.is_set()


def serve_health(*, host: str, port: int, is_ready: Callable[[], bool], token: str = "") -> ThreadingHTTPServer:
    """Start the health server in a daemon thread and return it; port 0 takes a free one.

    Raises:
        PortTaken: somebody else listens there.
    """
    with naming_the_occupant(port):
        server = ThreadingHTTPServer((host, port), _handler(is_ready, token))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


def _handler(is_ready: Callable[[], bool], token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest())
            elif self.path == "/health":
                self._answer(200, "text/plain", b"alive\n")
            elif self.path == "/ready":
                ready = is_ready()
                self._answer(200 if ready else 503, "text/plain", b"ready\n" if ready else b"not ready\n")
            else:
                self._answer(404, "text/plain", b"not found\n")

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            if token:
                self.send_header(PROCESS_HEADER, token)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    return Handler
