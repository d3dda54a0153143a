"""Serve /metrics, /health and /ready of a process on one port, and a page that names them."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from runtime.ports import naming_the_occupant
from runtime.start_page import HEADERS, MEDIA_TYPE, start_page

#: carries the token that whoever started this process gave it: an answer without it is another process's
PROCESS_HEADER = "Baton-Process"
TEXT = "text/plain"
PAGES = {
    "/metrics": "measurements, as Prometheus reads them",
    "/health": "whether the process lives",
    "/ready": "whether it works, or what it waits for",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


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
    answers: Mapping[str, Callable[[], Answer]] = {
        "/": _page,
        "/metrics": lambda: Answer(200, CONTENT_TYPE_LATEST, generate_latest()),
        "/health": lambda: Answer(200, TEXT, b"alive\n"),
        "/ready": lambda: _readiness(readiness),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(self.path, _not_found)()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            if token:
                self.send_header(PROCESS_HEADER, token)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            return

    return Handler


def _page() -> Answer:
    says = ("This address is for those who watch a process of Baton.",)
    return Answer(200, MEDIA_TYPE, start_page("Baton process", says=says, links=PAGES), HEADERS)


def _readiness(readiness: Readiness) -> Answer:
    if readiness.is_ready():
        return Answer(200, TEXT, b"ready\n")
    why = f": {readiness.why_not}" if readiness.why_not else ""
    return Answer(503, TEXT, f"not ready{why}\n".encode())


def _not_found() -> Answer:
    return Answer(404, TEXT, b"not found\n")
