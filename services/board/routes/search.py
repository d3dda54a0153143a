"""Find a referral by its id or by what is known of the patient."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, StringConstraints

from services.board.answers import SearchAnswer
from services.board.desk import AsCaller
from services.board.rules.queries import LONGEST_QUERY
from services.board.store.search import find

router = APIRouter(prefix="/api", tags=["search"])


class SearchRequest(BaseModel):
    """What a person typed: a referral id, a name in any order, a date of birth, a phone, an MRN, or several of them."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    query: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_QUERY)]


@router.post("/search")
def search(request: SearchRequest, caller: AsCaller) -> SearchAnswer:
    """Find referrals; a POST, so that no name or date of birth stands in an address."""
    with caller.session() as session:
        return find(session, request.query)
