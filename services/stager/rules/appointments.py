"""News of appointments: applied once, in whatever order they come (R28)."""

from dataclasses import replace
from datetime import datetime

from schemas.events import ReferralCommanded
from schemas.vocabulary import AppointmentStatus, ChangeKind, Stage
from services.stager.rules.decision import NoChange, Refusal, Rule, Why
from services.stager.rules.draft import Draft
from services.stager.rules.entering import enter_stage
from services.stager.rules.referral import Appointment, Referral
from services.stager.rules.rulebook import Rulebook

STANDING = frozenset({AppointmentStatus.BOOKED, AppointmentStatus.RESCHEDULED})
#: which appointment of several says where the referral is: the lowest
RANKS = {
    AppointmentStatus.BOOKED: 0,
    AppointmentStatus.RESCHEDULED: 0,
    AppointmentStatus.COMPLETED: 1,
    AppointmentStatus.NO_SHOW: 2,
    AppointmentStatus.CANCELLED: 3,
}
#: the scheduling system's version of some news, and when they were told
Order = tuple[int | None, datetime]
FULFILS = STANDING | {AppointmentStatus.COMPLETED}


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
    """Return the appointment that counts: the one that stands, else the one that ended best; of equals the last told.

    So news of an old appointment, however late they come, never hide one that the patient still has.
    """
    return max(appointments, key=_weight)


def _weight(one: Appointment) -> tuple[int, datetime, str]:
    return -RANKS[one.status], one.told_at, one.appointment_id


def _check_reason(book: Rulebook, command: ReferralCommanded) -> Refusal | None:
    if command.reason_code is not None and command.reason_code not in book.table.reasons:
        return Refusal(Rule.UNKNOWN_REASON, f"not in stage table {book.table.version}")
    return None


def _told(
    command: ReferralCommanded, appointment_id: str, status: AppointmentStatus, known: Appointment | None
) -> Appointment | None:
    """Return the appointment as far as it is known now, or None when the news tell nothing that counts."""
    told = Appointment(
        appointment_id=appointment_id,
        status=status,
        starts_at=command.appointment_at,
        version=command.appointment_version,
        told_at=command.at,
    )
    if known is None:
        return told
    now_known = _with_latest_start(told if _is_later(_of_state(told), _of_state(known)) else known, known, told)
    return None if now_known == known else now_known


def _with_latest_start(latest: Appointment, known: Appointment, told: Appointment) -> Appointment:
    # news without a time change no time, so that what was told before them says when it starts, also if it comes later
    source = known if told.starts_at is None else told
    if None not in (known.starts_at, told.starts_at) and not _is_later(_of_start(told), _of_start(known)):
        source = known
    if source is latest or source.starts_at is None:
        return latest
    version, told_at = _of_start(source)
    return replace(latest, starts_at=source.starts_at, starts_version=version, starts_told_at=told_at)


def _of_state(one: Appointment) -> Order:
    return one.version, one.told_at


def _of_start(one: Appointment) -> Order:
    return _of_state(one) if one.starts_told_at is None else (one.starts_version, one.starts_told_at)


def _is_later(this: Order, that: Order) -> bool:
    (version, told_at), (other_version, other_told_at) = this, that
    if version is not None and other_version is not None:
        return version > other_version
    return told_at > other_told_at


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
