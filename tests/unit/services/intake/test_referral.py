from datetime import UTC, datetime

from schemas.events import IntakeSubmitted, ReferralReceived
from schemas.ids import named_id
from schemas.vocabulary import Channel
from services.intake.extraction.assembly import assemble
from services.intake.extraction.field_names import FieldName
from services.intake.extraction.findings import FoundText, Part
from services.intake.referral import referral_of

NOW = datetime(2026, 1, 9, 20, 40, tzinfo=UTC)
FIELDS = {
    FieldName.PATIENT_NAME: "Ann Example",
    FieldName.BIRTH_DATE: "04/03/1961",
    FieldName.SPECIALTY: "Cardiology",
    FieldName.REASON: "Palpitations",
}


def _referral(clinic_id: str) -> ReferralReceived:
    submission = IntakeSubmitted(
        event_id=named_id(clinic_id),
        submission_id=named_id(clinic_id),
        network_id="riverside",
        clinic_id=clinic_id,
        channel=Channel.FAX,
        source="fax",
        received_at=NOW,
        accepted_at=NOW,
        content_digest="0" * 64,
        content_type="application/pdf",
        content_size=1,
    )
    return referral_of(submission, assemble([FoundText(part=Part.MESSAGE, fields=dict(FIELDS))], is_complete=True))


def test_same_letter_to_two_clinics_is_not_taken_for_a_repeat() -> None:
    one, other = _referral("harbor"), _referral("hill")

    assert one.content_fingerprint is not None
    assert one.content_fingerprint != other.content_fingerprint
    assert one.fingerprint != other.fingerprint


def test_same_letter_to_one_clinic_has_one_content_fingerprint() -> None:
    assert _referral("harbor").content_fingerprint == _referral("harbor").content_fingerprint
