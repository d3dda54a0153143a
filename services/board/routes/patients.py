"""Correct what is known of a patient, and decide possible duplicates."""

import uuid
from datetime import date
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas.vocabulary import CorrectionKind, ReviewDecision, Sex
from services.board.answers import CorrectionAnswer
from services.board.correcting import Correction, correct
from services.board.desk import AsCaller
from services.board.refusals import BadValue
from services.board.routes.commands import NO_NUL, Text, Version, Wait
from services.board.routes.referrals import canonical
from services.board.rules.queries import phone_of

router = APIRouter(prefix="/api/patients", tags=["patients"])
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=NO_NUL)]


class CorrectionRequest(BaseModel):
    """What a person knows better; what is not given stays as it is."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    command_id: uuid.UUID = Field(
        default_factory=uuid.uuid4, description="Choose it once per wish, to ask safely again."
    )
    kind: CorrectionKind = CorrectionKind.DEMOGRAPHICS
    referral_id: str | None = Field(None, max_length=40, description="The referral whose missing items it completes.")
    other_patient_id: str | None = Field(None, max_length=64, pattern=NO_NUL)
    decision: ReviewDecision | None = None
    given_name: Name | None = None
    last_name: Name | None = None
    birth_date: date | None = None
    sex: Sex | None = None
    phone: Annotated[str, StringConstraints(max_length=40)] | None = None
    mrn: Name | None = None
    specialty: Name | None = None
    referring_provider: Name | None = None
    reason: Text | None = None
    expected_version: Version | None = None
    comment: Text | None = None


@router.post("/{patient_id}/corrections", status_code=HTTPStatus.ACCEPTED)
def corrections(patient_id: str, request: CorrectionRequest, caller: AsCaller, wait_s: Wait = 0.0) -> CorrectionAnswer:
    """Hand a correction on; with `wait_s`, wait until the patient or the referral shows it."""
    wish = request.model_dump(exclude={"command_id", "phone", "referral_id"})
    correction = Correction(
        command_id=str(request.command_id),
        patient_id=patient_id,
        referral_id=canonical(request.referral_id) if request.referral_id else None,
        wish={**wish, "phone": _phone(request.phone)},
    )
    return correct(correction, caller, wait_s=wait_s)


def _phone(typed: str | None) -> str | None:
    if typed is None:
        return None
    phone = phone_of(typed)
    if phone is None:
        raise BadValue("phone")
    return phone
