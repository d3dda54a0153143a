"""Hand a person's command on and wait for the answer of the service that decides."""

from collections.abc import Callable
from dataclasses import dataclass

from runtime.kafka import PublishFailed
from schemas.events import ReferralCommanded
from services.board.answers import CommandAnswer
from services.board.desk import Caller
from services.board.refusals import NotAllowed, NotFound, NotPublished
from services.board.rules.access import ACTING
from services.board.store.commands import read_command
from services.board.store.referrals import is_visible
from services.board.store.session import Person
from services.board.waiting import until_some

APPLIED = "applied"
PENDING = "pending"


@dataclass(frozen=True)
class Ask:
    """A command on its way."""

    command_id: str
    referral_id: str
    event_by: Callable[[Person], ReferralCommanded]


def answer_of(ask: Ask, caller: Caller, *, wait_s: float) -> CommandAnswer:
    """Hand a command on unless it was answered already, and wait for its answer.

    Raises:
        NotFound: the person does not see the referral.
        NotAllowed: the person's role only looks on.
        NotPublished: the broker did not confirm it.
    """
    with caller.session() as session:
        if not is_visible(session, ask.referral_id):
            raise NotFound
        if session.person.role not in ACTING:
            raise NotAllowed
        earlier = read_command(session, ask.command_id)
        event = ask.event_by(session.person)
    if earlier is not None:
        return earlier
    try:
        caller.desk.publish(event)
    except PublishFailed:
        raise NotPublished from None

    def look() -> CommandAnswer | None:
        with caller.session() as session:
            return read_command(session, ask.command_id)

    pending = CommandAnswer(command_id=ask.command_id, referral_id=ask.referral_id, outcome=PENDING)
    return until_some(look, wait_s=wait_s) or pending
