"""Serve /metrics, /health and /ready of a process on one port."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from runtime.ports import naming_the_occupant

#: carries the token that whoever started this process gave it: an answer without it is another process's
PROCESS_HEADER = "Baton-Process"


class Readiness:
    """Whether the process may be sent work; set by the loop, read by the health server."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        #: what the process waits for; empty when it does not say
        self.why_not = ""

    def set_ready(self) -> None:
        """Say that the process works."""
        self._ready.set()

    def set_unready(self, why: str = "") -> None:
        """Say that the process waits for something."""
        self.why_not = why
        self._ready.clear()

    def is_ready(self) -> bool:
        """Tell whether the process works."""
        return self._ready.is_set()


def serve_health(*, host: str, port: int, readiness: Readiness, token: str = "") -> ThreadingHTTPServer:
    """Start the health server in a daemon thread and return it; port 0 takes a free one.

    Raises:
        PortTaken: somebody else listens there.
    """
    with naming_the_occupant(port):
        server = ThreadingHTTPServer((host, port), _handler(readiness, token))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


def _handler(readiness: Readiness, token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest())
            elif self.path == "/health":
                self._answer(200, "text/plain", b"alive\n")
            elif self.path == "/ready":
                self._tell_readiness()
            else:
                self._answer(404, "text/plain", b"not found\n")

        def _tell_readiness(self) -> None:
            if readiness.is_ready():
                self._answer(200, "text/plain", b"ready\n")
                return
            why = f": {readiness.why_not}" if readiness.why_not else ""
            self._answer(503, "text/plain", f"not ready{why}\n".encode())

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
