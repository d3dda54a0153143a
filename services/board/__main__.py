"""`python -m services.board`: the query and command API."""

import sys

import structlog
import uvicorn

from runtime.clock import clock_of
from runtime.kafka import make_publisher
from runtime.process import begin_process
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
    readiness.set_ready()
    log.info("started", port=settings.board_http_port)
    uvicorn.run(
        make_app(desk),
        host=settings.board_http_host,
        port=settings.board_http_port,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
