"""Hand a person's correction of a patient on and wait until it was dealt with."""

from collections.abc import Mapping
from dataclasses import dataclass

from runtime.kafka import PublishFailed
from schemas.events import PatientCorrected
from services.board.answers import CorrectionAnswer
from services.board.desk import Caller
from services.board.refusals import NotAllowed, NotFound, NotPublished
from services.board.rules.access import may_correct
from services.board.store.commands import read_correction
from services.board.store.referrals import is_visible
from services.board.store.session import Session
from services.board.waiting import until_some

PENDING = "pending"


@dataclass(frozen=True)
class Correction:
    """A correction on its way; the wish holds the event's fields that a person chooses."""

    command_id: str
    patient_id: str
    referral_id: str | None
    wish: Mapping[str, object]


def correct(correction: Correction, caller: Caller, *, wait_s: float) -> CorrectionAnswer:
    """Hand a correction on and wait until it was dealt with.

    Raises:
        NotFound: the person does not see the patient or the referral.
        NotAllowed: the person's role may not correct this.
        NotPublished: the broker did not confirm it.
    """
    with caller.session() as session:
        event = _event(correction, caller, session)
    try:
        caller.desk.publish(event)
    except PublishFailed:
        raise NotPublished from None

    def look() -> CorrectionAnswer | None:
        with caller.session() as session:
            return read_correction(session, correction.command_id)

    pending = CorrectionAnswer(command_id=correction.command_id, patient_id=correction.patient_id, outcome=PENDING)
    return until_some(look, wait_s=wait_s) or pending


def _event(correction: Correction, caller: Caller, session: Session) -> PatientCorrected:
    person = session.person
    event = {
        **correction.wish,
        "event_id": correction.command_id,
        "network_id": person.network_id,
        "patient_id": correction.patient_id,
        "referral_id": correction.referral_id,
        "by_user": person.user_id,
        "by_role": person.role,
        "at": caller.desk.clock.now(),
    }
    if not may_correct(person.role, PatientCorrected.model_validate({**event, "matching_key": ""}).kind):
        raise NotAllowed
    known = session.row("patient_key", patient_id=correction.patient_id)
    if known is None or (correction.referral_id and not is_visible(session, correction.referral_id)):
        raise NotFound
    return PatientCorrected.model_validate({**event, "matching_key": known["matching_key"]})
