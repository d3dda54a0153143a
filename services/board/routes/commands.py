"""Ask for a change of a referral, and learn how it ended."""

import uuid
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from schemas.events import ReferralCommanded
from schemas.vocabulary import AppointmentStatus, AttemptOutcome, CommandAction, Priority, Stage
from services.board.answers import CommandAnswer
from services.board.asking import APPLIED, PENDING, Ask, answer_of
from services.board.desk import AsCaller
from services.board.refusals import NotFound
from services.board.routes.referrals import canonical
from services.board.store.commands import read_command
from services.board.store.session import Person

router = APIRouter(prefix="/api", tags=["commands"])
#: the database holds no NUL, and a command that cannot be stored would end in quarantine
NO_NUL = r"^[^\x00]*$"
Word = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NO_NUL)]
Text = Annotated[str, StringConstraints(max_length=4000, pattern=NO_NUL)]
#: what a column of versions holds
MOST_VERSIONS = 2**31 - 1
#: what a field of an event holds
LARGEST_NUMBER = 2**63 - 1
Version = Annotated[int, Field(ge=1, le=MOST_VERSIONS)]
Wait = Annotated[float, Query(ge=0, le=30, description="Seconds to wait for the answer.")]


class CommandRequest(BaseModel):
    """A change that a person wants; the same command id twice is one command."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    command_id: uuid.UUID = Field(
        default_factory=uuid.uuid4, description="Choose it once per wish, to ask safely again."
    )
    action: CommandAction
    expected_version: Version | None = Field(None, description="The version the wish is based on; none accepts any.")
    to_stage: Stage | None = None
    reason_code: Word | None = None
    comment: Text | None = None
    task_id: Word | None = None
    outcome: AttemptOutcome | None = None
    priority: Priority | None = None
    appointment_id: Word | None = None
    appointment_status: AppointmentStatus | None = None
    appointment_at: AwareDatetime | None = None
    appointment_version: int | None = Field(None, ge=0, le=LARGEST_NUMBER)


@router.post(
    "/referrals/{referral_id}/commands",
    responses={
        HTTPStatus.ACCEPTED.value: {"model": CommandAnswer, "description": "Handed on, not answered yet."},
        HTTPStatus.CONFLICT.value: {"model": CommandAnswer, "description": "Refused, with the rule that refuses."},
    },
)
def command(
    referral_id: str, request: CommandRequest, response: Response, caller: AsCaller, wait_s: Wait = 0.0
) -> CommandAnswer:
    """Hand a command on; with `wait_s`, wait for its answer."""
    ask = _ask(canonical(referral_id), request, caller)
    return _told(answer_of(ask, caller, wait_s=wait_s), response)


@router.get("/commands/{command_id}")
def command_answer(command_id: uuid.UUID, caller: AsCaller) -> CommandAnswer:
    """Tell how a command ended."""
    with caller.session() as session:
        answer = read_command(session, str(command_id))
    if answer is None:
        raise NotFound
    return answer


def _ask(referral_id: str, request: CommandRequest, caller: AsCaller) -> Ask:
    command_id = str(request.command_id)

    def event_by(person: Person) -> ReferralCommanded:
        wish = request.model_dump(exclude={"command_id"})
        return ReferralCommanded(
            event_id=command_id,
            referral_id=referral_id,
            network_id=person.network_id,
            by_user=person.user_id,
            by_role=person.role,
            at=caller.desk.clock.now(),
            **wish,
        )

    return Ask(command_id=command_id, referral_id=referral_id, event_by=event_by)


def _told(answer: CommandAnswer, response: Response) -> CommandAnswer:
    if answer.outcome == PENDING:
        response.status_code = HTTPStatus.ACCEPTED
    elif answer.outcome != APPLIED:
        response.status_code = HTTPStatus.CONFLICT
    return answer
