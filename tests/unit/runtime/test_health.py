"""The address of a process for those who watch it."""

import re
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from runtime.health import Readiness, serve_health


@pytest.fixture
def address() -> Iterator[str]:
    readiness = Readiness()
    readiness.set_ready()
    server = serve_health(host="127.0.0.1", port=0, readiness=readiness)
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_root_is_a_page_whose_links_all_answer(address: str) -> None:
    with urlopen(f"{address}/") as reply:
        page, headers = reply.read().decode(), reply.headers
    links = re.findall(r'href="([^"]+)"', page)

    assert links == ["/metrics", "/health", "/ready"]
    assert headers["Content-Type"].startswith("text/html")
    assert headers["Cache-Control"] == "no-store"
    for link in links:
        with urlopen(address + link) as reply:
            assert reply.status == 200
