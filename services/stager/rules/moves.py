"""Which moves are legal, for whom, with which reason (R6, R7)."""

from datetime import date

from schemas.events import ReferralCommanded
from schemas.vocabulary import Role, Stage
from services.stager.rules.decision import Refusal, Rule
from services.stager.rules.referral import Referral
from services.stager.rules.rulebook import Rulebook
from services.stager.rules.stage_table import Need, ReasonGroup, StageTable, Transition


def check_move(book: Rulebook, referral: Referral, target: Stage, command: ReferralCommanded) -> Transition | Refusal:
    """Return the transition that allows a move, or the rule that refuses it."""
    transition = book.table.transitions.get((referral.stage, target))
    if transition is None:
        return Refusal(Rule.ILLEGAL_TRANSITION, _illegal(book.table, referral.stage, target))
    if command.by_role not in transition.roles:
        return Refusal(Rule.ROLE_NOT_ALLOWED, f"{referral.stage} -> {target} is for {role_list(transition.roles)}")
    return (
        _check_reached(book.table, referral, transition)
        or _check_skip(book, referral, transition)
        or _check_needs(book.table, referral, transition, command)
        or transition
    )


def check_reason(
    table: StageTable, group: ReasonGroup | None, referral: Referral, command: ReferralCommanded
) -> Refusal | None:
    """Return the rule that refuses the reason of a command; None when the reason is right or none is needed."""
    code = command.reason_code
    if code is None:
        if group is None:
            return None
        return Refusal(Rule.REASON_REQUIRED, f"reason codes: {', '.join(table.codes(group))}")
    reason = table.reasons.get(code)
    if reason is None:
        return Refusal(Rule.UNKNOWN_REASON, f"not in stage table {table.version}")
    if group is None:
        return Refusal(Rule.REASON_NOT_EXPECTED, "this move takes no reason code")
    if reason.group is not group:
        return Refusal(Rule.REASON_NOT_ALLOWED, f"{code} is a reason of {reason.group}; expected {group}")
    return _check_use(table, code, referral.stage, command)


def role_list(roles: frozenset[Role]) -> str:
    """Return roles as people read them."""
    return ", ".join(sorted(roles))


def _check_use(table: StageTable, code: str, stage: Stage, command: ReferralCommanded) -> Refusal | None:
    reason = table.reasons[code]
    if reason.stages and stage not in reason.stages:
        return Refusal(Rule.REASON_NOT_ALLOWED, f"{code} is not used in {stage}")
    if reason.roles and command.by_role not in reason.roles:
        return Refusal(Rule.REASON_NOT_ALLOWED, f"{code} is for {role_list(reason.roles)}")
    if not reason.is_effective(_day(command)):
        return Refusal(Rule.REASON_NOT_ALLOWED, f"{code} is not in effect")
    if reason.needs_comment and not (command.comment or "").strip():
        return Refusal(Rule.COMMENT_REQUIRED, f"{code} needs a comment")
    return None


def _day(command: ReferralCommanded) -> date:
    return command.at.date()


def _illegal(table: StageTable, stage: Stage, target: Stage) -> str:
    legal = ", ".join(table.targets(stage)) or "nothing"
    return f"{stage} -> {target} is not in stage table {table.version}; from {stage}: {legal}"


def _check_reached(table: StageTable, referral: Referral, transition: Transition) -> Refusal | None:
    """Leaving an exception must not be a way around the stages in between."""
    if not table.is_exception(referral.stage) or transition.target not in table.main_line:
        return None
    if table.position(transition.target) <= table.position(referral.interrupted_stage):
        return None
    reached = referral.interrupted_stage or table.arrives_complete
    return Refusal(Rule.STAGE_NOT_REACHED, f"{transition.target} comes later than {reached}, which was interrupted")


def _check_skip(book: Rulebook, referral: Referral, transition: Transition) -> Refusal | None:
    if transition.skips is None or book.policy.skips_clinical_review(referral.specialty):
        return None
    return Refusal(Rule.CLINICAL_REVIEW_REQUIRED, f"policy {book.policy.label} does not skip {transition.skips} here")


def _check_needs(
    table: StageTable, referral: Referral, transition: Transition, command: ReferralCommanded
) -> Refusal | None:
    missing = [text for need in transition.needs if (text := _unmet(need, referral, command)) is not None]
    if not missing:
        return check_reason(table, transition.reasons, referral, command)
    if transition.waived_by is not None and command.reason_code is not None:
        return check_reason(table, transition.waived_by, referral, command)
    return Refusal(Rule.FIELDS_MISSING, f"needed to leave {referral.stage}: {', '.join(missing)}")


def _unmet(need: Need, referral: Referral, command: ReferralCommanded) -> str | None:
    if need is Need.MISSING_ITEMS:
        return " ".join(referral.missing_items) or None
    if referral.appointment_at is None and command.appointment_at is None:
        return need.value
    return None
