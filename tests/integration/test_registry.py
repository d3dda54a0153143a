"""A registry that does not answer as one is away, whatever it does instead; only its own word tells of a schema."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from baton.stack.addresses import Addresses
from baton.stack.ports import free_port
from baton.topics import register_schemas
from runtime.registry import RegistrySchemaIds, RegistryUnavailable, SchemaNotRegistered, make_registry_client
from runtime.settings import ServiceSettings
from schemas.codec import Codec, Undecodable, schema_text
from schemas.events import ReferralCommanded
from tests.support.relay_world import command

UNKNOWN_ID = 2**31 - 7
SUBJECT = f"{ReferralCommanded.schema_name}-value"


def schema_ids(url: str) -> RegistrySchemaIds:
    settings = ServiceSettings(kafka_bootstrap_servers="none", schema_registry_url=url, database_url="none")
    return RegistrySchemaIds(make_registry_client(settings))


@contextmanager
def nobody() -> Iterator[str]:
    yield f"http://127.0.0.1:{free_port()}"


def answering(status: int, body: bytes) -> Callable[[], AbstractContextManager[str]]:
    """Return a server at the registry's address that answers everything alike."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            return

    @contextmanager
    def serve() -> Iterator[str]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()

    return serve


@pytest.mark.parametrize(
    "registry",
    [
        nobody,
        answering(500, b"oh"),
        answering(503, b'{"error_code": 50003}'),
        answering(404, b"<html>no such page</html>"),
        answering(401, b'{"error_code": 40101, "message": "who?"}'),
        answering(200, b"<html>a page</html>"),
        answering(200, b"{}"),
        answering(200, b"[]"),
        answering(200, b""),
    ],
    ids=["closed", "fails", "busy", "no-page", "forbidden", "page", "nothing", "list", "empty"],
)
def test_what_does_not_answer_as_a_registry_is_away(registry: Callable[[], AbstractContextManager[str]]) -> None:
    with registry() as url:
        ids = schema_ids(url)

        with pytest.raises(RegistryUnavailable):
            ids.id_of(SUBJECT, schema_text(ReferralCommanded))
        with pytest.raises(RegistryUnavailable):
            ids.schema_text(1)


def test_an_unknown_id_tells_of_the_record_only_while_the_registry_knows_our_own(
    stack: Addresses, topic_prefix: str
) -> None:
    settings = ServiceSettings(**stack.model_dump(), topic_prefix=topic_prefix)
    unknown = UNKNOWN_ID.to_bytes(5, "big") + b"anything"
    with make_registry_client(settings) as registry:
        codec = Codec(RegistrySchemaIds(registry), topic_prefix=topic_prefix)

        with pytest.raises(SchemaNotRegistered):
            codec.decode(ReferralCommanded, unknown)
        register_schemas(registry, topic_prefix=topic_prefix)
        with pytest.raises(Undecodable, match="unknown_schema_id"):
            codec.decode(ReferralCommanded, unknown)
        assert codec.decode(ReferralCommanded, codec.encode(command("R", 1))) == command("R", 1)


def test_a_registry_that_is_emptied_under_a_running_process_is_noticed(stack: Addresses, topic_prefix: str) -> None:
    settings = ServiceSettings(**stack.model_dump(), topic_prefix=topic_prefix)
    with make_registry_client(settings) as registry:
        register_schemas(registry, topic_prefix=topic_prefix)
    with make_registry_client(settings) as registry, make_registry_client(settings) as other:
        codec = Codec(RegistrySchemaIds(registry), topic_prefix=topic_prefix)
        codec.encode(command("R", 1))
        for subject in other.get_subjects():
            if subject.startswith(topic_prefix):
                other.delete_subject(subject)

        with pytest.raises(SchemaNotRegistered):
            codec.decode(ReferralCommanded, UNKNOWN_ID.to_bytes(5, "big") + b"anything")
