"""Find referrals by what a person knows of them."""

from services.board.answers import SearchAnswer
from services.board.rules.access import ColumnGroup
from services.board.rules.queries import Reading, name_pairs, readings_of
from services.board.store.referrals import original_of, read_summaries
from services.board.store.session import Session

MOST_HITS = 50
#: sorts after every letter, so that a range of names holds all that start alike
_AFTER_ALL_LETTERS = "\U0010ffff"


def find(session: Session, query: str) -> SearchAnswer:
    """Return the referrals a query may mean, open ones and recent ones first."""
    found: dict[str, None] = {}
    is_complete = True
    for reading in readings_of(query):
        ids = _ids_of(session, reading)
        is_complete = is_complete and len(ids) <= MOST_HITS
        found.update(dict.fromkeys(ids[:MOST_HITS]))
    chosen = list(found)[:MOST_HITS]
    is_complete = is_complete and len(found) <= MOST_HITS
    return SearchAnswer(referrals=read_summaries(session, chosen, action="search"), is_complete=is_complete)


def _ids_of(session: Session, reading: Reading) -> list[str]:
    if reading.referral_id is not None:
        return [original_of(session, reading.referral_id)]
    if not session.sees(ColumnGroup.IDENTITY):
        # Finding a referral by name would tell a name.
        return []
    limits = {"most": MOST_HITS + 1, "phone": reading.phone, "birth_date": reading.birth_date}
    if reading.mrn is not None:
        rows = session.rows("by_mrn", mrn=reading.mrn, most=MOST_HITS + 1)
    elif reading.name_words:
        rows = session.rows("by_name", **_name_ranges(reading), **limits)
    else:
        rows = session.rows("by_phone" if reading.phone else "by_birth_date", **limits)
    return [str(row["referral_id"]) for row in rows]


def _name_ranges(reading: Reading) -> dict[str, list[str]]:
    pairs = name_pairs(reading.name_words)
    return {
        "last_names": [pair.last_name for pair in pairs],
        "given_from": [pair.given_prefix for pair in pairs],
        "given_to": [pair.given_prefix + _AFTER_ALL_LETTERS for pair in pairs],
    }
