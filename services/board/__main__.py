"""`python -m services.board`: the query and command API."""

import sys

import structlog
import uvicorn

from runtime.clock import clock_of
from runtime.kafka import make_publisher
from runtime.ports import listening_socket
from runtime.process import begin_process, ending_if_port_is_taken
from runtime.registry import make_codec
from runtime.settings import EXIT_USAGE, load_settings
from services.board.app import make_app
from services.board.desk import Desk
from services.board.settings import BoardSettings, NoAuthentication, require_authentication
from services.board.store.session import open_pool

log = structlog.get_logger()


def main() -> None:
    """Serve the API until told to stop."""
    settings = load_settings(BoardSettings)
    try:
        require_authentication(settings)
    except NoAuthentication as refusal:
        sys.stderr.write(f"{refusal}\n")
        raise SystemExit(EXIT_USAGE) from None
    readiness = begin_process(settings, service="board")
    clock = clock_of(settings.clock)
    publisher = make_publisher(settings, make_codec(settings), source="board")
    desk = Desk(
        settings=settings,
        pool=open_pool(settings),
        clock=clock,
        publish=lambda event: publisher.publish(event, clock.now()),
    )
    with ending_if_port_is_taken():
        listens = listening_socket(settings.board_http_host, settings.board_http_port)
    readiness.set_ready()
    log.info("started", port=settings.board_http_port)
    config = uvicorn.Config(
        make_app(desk), access_log=False, log_config=None, server_header=False, timeout_graceful_shutdown=5
    )
    uvicorn.Server(config).run(sockets=[listens])


if __name__ == "__main__":
    main()
