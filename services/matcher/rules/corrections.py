"""What a person's correction changes: the patient, and what a referral still lacks."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from schemas.events import PatientCorrected
from schemas.vocabulary import MissingItem
from services.matcher.rules.identity import Demographics

#: the record numbers that staff enter are the network's own
STAFF_ISSUER = "staff"


class ReferralFacts(NamedTuple):
    """What a correction may complete on a referral."""

    specialty: str | None
    referring_provider: str | None
    reason: str | None


_COMPLETED: Mapping[MissingItem, Callable[[Demographics, ReferralFacts], bool]] = {
    MissingItem.PATIENT_NAME: lambda person, _: bool(person.given_name and person.last_name),
    MissingItem.DATE_OF_BIRTH: lambda person, _: person.birth_date is not None,
    MissingItem.PHONE: lambda person, _: bool(person.phone),
    MissingItem.SPECIALTY: lambda _, referral: bool(referral.specialty),
    MissingItem.REFERRING_PROVIDER: lambda _, referral: bool(referral.referring_provider),
    MissingItem.REASON: lambda _, referral: bool(referral.reason),
}


def corrected_demographics(known: Demographics, correction: PatientCorrected) -> Demographics:
    """Return a patient's demographics after a correction; what it does not name stays."""
    return known._replace(
        given_name=correction.given_name or known.given_name,
        last_name=correction.last_name or known.last_name,
        birth_date=correction.birth_date or known.birth_date,
        sex=correction.sex or known.sex,
        phone=correction.phone or known.phone,
        mrn=correction.mrn or known.mrn,
        mrn_issuer=STAFF_ISSUER if correction.mrn and correction.mrn != known.mrn else known.mrn_issuer,
    )


def completed_facts(known: ReferralFacts, correction: PatientCorrected) -> ReferralFacts:
    """Return a referral's facts after a correction; what it does not name stays."""
    return ReferralFacts(
        specialty=correction.specialty or known.specialty,
        referring_provider=correction.referring_provider or known.referring_provider,
        reason=correction.reason or known.reason,
    )


def filled_gaps(known: Demographics, stated: Demographics) -> Demographics:
    """Return a patient's demographics with empty fields taken from a referral that was linked to it."""
    takes_number = known.mrn is None and stated.mrn is not None
    filled = known._replace(
        middle_name=known.middle_name or stated.middle_name,
        birth_date=known.birth_date or stated.birth_date,
        sex=known.sex or stated.sex,
        phone=known.phone or stated.phone,
    )
    if takes_number:
        filled = filled._replace(mrn=stated.mrn, mrn_issuer=stated.mrn_issuer)
    return filled


def changed_fields(before: Demographics, after: Demographics) -> Sequence[str]:
    """Return the names of the fields that differ."""
    if before == after:
        return ()
    return [name for name, old, new in zip(before._fields, before, after, strict=True) if old != new]


def remaining_items(
    missing: Sequence[MissingItem], person: Demographics, facts: ReferralFacts
) -> tuple[MissingItem, ...]:
    """Return what a referral still lacks; the call back is done once nothing is left to ask for."""
    left = [item for item in missing if item not in _COMPLETED or not _COMPLETED[item](person, facts)]
    if not any(item in _COMPLETED for item in left):
        left = [item for item in left if item is not MissingItem.CALL_BACK]
    return tuple(left)
