"""The API put together."""

from fastapi import FastAPI

from services.board.desk import Desk
from services.board.measuring import Measured
from services.board.refusals import NoLeaks, add_refusals
from services.board.routes import commands, health, patients, queues, referrals, search, start


def make_app(desk: Desk) -> FastAPI:
    """Return the application that answers with the given parts."""
    app = FastAPI(
        title="Baton board",
        description="Where a referral is, who owns the next step, when it is due, and why it waits.",
        version="1",
        redoc_url=None,
    )
    app.state.desk = desk
    for subject in (start, search, referrals, queues, commands, patients, health):
        app.include_router(subject.router)
    add_refusals(app)
    app.add_middleware(NoLeaks)
    app.add_middleware(Measured)
    return app
