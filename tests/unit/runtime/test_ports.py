import json
import os
import pwd
import socket
import subprocess
import sys

import pytest

from runtime.health import PROCESS_HEADER, Readiness, serve_health
from runtime.ports import PortTaken, listening_socket, occupant

HOST = "127.0.0.1"


def test_occupant_is_named_with_its_process_and_its_user() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        during = occupant(port)

    user = pwd.getpwuid(os.geteuid()).pw_name
    assert during is not None
    assert during.startswith(f"process {os.getpid()} (")
    assert during.endswith(f" of user {user}")
    assert occupant(port) is None


def test_taken_port_is_refused_with_its_owner() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]

        with pytest.raises(PortTaken, match=f"port {port} is taken by process {os.getpid()}"):
            listening_socket(HOST, port)
        with pytest.raises(PortTaken, match=f"port {port} is taken by process {os.getpid()}"):
            serve_health(host=HOST, port=port, readiness=Readiness())


def test_health_answers_carry_the_token_of_their_process() -> None:
    server = serve_health(host=HOST, port=0, readiness=Readiness(), token="a-token")
    connection = socket.create_connection((HOST, server.server_address[1]))
    connection.sendall(b"GET /ready HTTP/1.0\r\n\r\n")
    reply = b"".join(iter(lambda: connection.recv(4096), b"")).decode()
    connection.close()
    server.shutdown()
    server.server_close()

    assert f"{PROCESS_HEADER}: a-token" in reply.split("\r\n")


@pytest.mark.parametrize(
    "module", ["services.stager", "services.intake.channels", "services.board", "services.sla.firing"]
)
def test_service_that_finds_its_port_taken_says_whose_it_is(module: str) -> None:
    names = ("KAFKA_BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY_URL", "DATABASE_URL", "DOCUMENT_STORE")
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        environment = {**os.environ, **dict.fromkeys(names, "http://127.0.0.1:1"), "METRICS_PORT": str(port)}
        ended = subprocess.run(
            [sys.executable, "-m", module], env=environment, capture_output=True, text=True, timeout=120
        )

    last = json.loads(ended.stderr.splitlines()[-1])
    assert ended.returncode == 70
    assert last["hint"].startswith(f"port {port} is taken by process {os.getpid()}")
