"""One referral: where it is, how it came there, who may see it."""

from typing import TypeVar

from fastapi import APIRouter

from schemas.ids import parse_referral_id
from services.board.answers import AccessAnswer, ReferralDetail, TimelineAnswer
from services.board.desk import AsCaller
from services.board.refusals import NotFound
from services.board.store.referrals import original_of, read_access, read_detail, read_timeline
from services.board.store.session import Session

router = APIRouter(prefix="/api/referrals", tags=["referrals"])
A = TypeVar("A")


@router.get("/{referral_id}")
def referral(referral_id: str, caller: AsCaller) -> ReferralDetail:
    """Tell where a referral is, who owns the next step, when it is due and why it waits."""
    with caller.session() as session:
        return _found(read_detail(session, _meant(session, referral_id)))


@router.get("/{referral_id}/timeline")
def timeline(referral_id: str, caller: AsCaller) -> TimelineAnswer:
    """Tell each wait of a referral, on whom and for how long."""
    with caller.session() as session:
        return _found(read_timeline(session, _meant(session, referral_id), now=caller.desk.clock.now()))


@router.get("/{referral_id}/access")
def access(referral_id: str, caller: AsCaller) -> list[AccessAnswer]:
    """Tell who can see a referral, and why."""
    with caller.session() as session:
        return list(_found(read_access(session, _meant(session, referral_id))))


def canonical(typed: str) -> str:
    """Return a referral id as it is stored, however it was typed.

    Raises:
        NotFound: no referral can have this id.
    """
    referral_id = parse_referral_id(typed)
    if referral_id is None:
        raise NotFound
    return referral_id


def _meant(session: Session, typed: str) -> str:
    return original_of(session, canonical(typed))


def _found(answer: A | None) -> A:
    if answer is None:
        raise NotFound
    return answer
