"""News of appointments: applied once, in whatever order they come (R28)."""

from datetime import datetime

from schemas.events import ReferralCommanded
from schemas.vocabulary import AppointmentStatus, ChangeKind, Stage
from services.stager.rules.decision import NoChange, Refusal, Rule, Why
from services.stager.rules.draft import Draft
from services.stager.rules.entering import enter_stage
from services.stager.rules.referral import Appointment, Referral
from services.stager.rules.rulebook import Rulebook

FULFILS = frozenset({AppointmentStatus.BOOKED, AppointmentStatus.RESCHEDULED, AppointmentStatus.COMPLETED})


def record_appointment(book: Rulebook, draft: Draft, command: ReferralCommanded) -> Refusal | NoChange | None:
    """Take over what is told of an appointment, and move the referral to where its appointments have it."""
    if command.appointment_id is None or command.appointment_status is None:
        return Refusal(Rule.INCOMPLETE_COMMAND, "appointment_id and appointment_status are needed")
    refused = _check_reason(book, command)
    if refused is not None:
        return refused
    known = {one.appointment_id: one for one in draft.referral.appointments}
    told = _told(command, command.appointment_id, command.appointment_status, known.get(command.appointment_id))
    if told is None:
        return NoChange(Why.SUPERSEDED, "a later state of this appointment is known")
    known[told.appointment_id] = told
    appointments = tuple(sorted(known.values(), key=lambda one: one.appointment_id))
    _apply(book, draft, appointments, command)
    return None


def current_appointment(appointments: tuple[Appointment, ...]) -> Appointment:
    """Return the appointment that counts: the last that was told of, a standing one before a cancelled one."""
    return max(appointments, key=_weight)


def _weight(one: Appointment) -> tuple[bool, datetime, str]:
    # a late cancellation of the old appointment must not hide the new one
    return one.status is not AppointmentStatus.CANCELLED, one.told_at, one.appointment_id


def _check_reason(book: Rulebook, command: ReferralCommanded) -> Refusal | None:
    if command.reason_code is not None and command.reason_code not in book.table.reasons:
        return Refusal(Rule.UNKNOWN_REASON, f"not in stage table {book.table.version}")
    return None


def _told(
    command: ReferralCommanded, appointment_id: str, status: AppointmentStatus, known: Appointment | None
) -> Appointment | None:
    """Return the appointment as told, or None when a later state is known already."""
    told = Appointment(
        appointment_id=appointment_id,
        status=status,
        starts_at=command.appointment_at or (known.starts_at if known else None),
        version=command.appointment_version,
        told_at=command.at,
    )
    return told if known is None or _order(told, known) else None


def _order(told: Appointment, known: Appointment) -> bool:
    if told.version is not None and known.version is not None:
        return told.version > known.version
    return told.told_at > known.told_at


def _apply(book: Rulebook, draft: Draft, appointments: tuple[Appointment, ...], command: ReferralCommanded) -> None:
    before, current = draft.referral, current_appointment(appointments)
    draft.set(
        appointments=appointments,
        appointment_id=current.appointment_id,
        appointment_status=current.status,
        appointment_at=current.starts_at,
    )
    draft.record(ChangeKind.APPOINTMENT_RECORDED, comment=command.comment)
    target = book.table.appointments.leads_to[current.status]
    if _position(before) in book.table.appointments.moves_from and _is_news(book, before, draft.referral, target):
        enter_stage(
            book,
            draft,
            target,
            completes_tasks=current.status in FULFILS,
            reason_code=_reason(book, current, command),
            comment=None,
        )


def _is_news(book: Rulebook, before: Referral, after: Referral, target: Stage) -> bool:
    # a moved appointment is a new stay: it is reminded of and breached by itself
    is_moved = book.stage(target).clock_from_appointment and before.appointment_at != after.appointment_at
    return target is not before.stage or is_moved


def _position(referral: Referral) -> Stage:
    return referral.interrupted_stage or referral.stage


def _reason(book: Rulebook, current: Appointment, command: ReferralCommanded) -> str | None:
    default = book.table.appointments.reason.get(current.status)
    is_about_current = command.appointment_id == current.appointment_id
    return command.reason_code if default and command.reason_code and is_about_current else default
