"""The decision about one referral's patient: linked to a known one, or new, with whom it resembles."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from schemas.vocabulary import MatchOutcome, ReviewDecision
from services.matcher.rules.agreement import Agreement
from services.matcher.rules.comparison import Comparison, compare, have_nothing_in_common
from services.matcher.rules.identity import Identity
from services.matcher.rules.scoring import field_scores, score_of
from services.matcher.rules.silent_link import MatchRule, agrees_by_exact_rule, contradicts, fitting_rule, is_twin_like

DUPLICATE_THRESHOLD = 0.7
#: a review with more candidates side by side helps nobody
MOST_RESEMBLANCES = 10


@dataclass(frozen=True, slots=True)
class Candidate:
    """A known patient that shares a blocking key."""

    patient_id: str
    matching_key: str
    created_at: datetime
    identity: Identity


@dataclass(frozen=True, slots=True)
class Resemblance:
    """A known patient that may be the same person."""

    patient_id: str
    score: float
    field_scores: Mapping[str, float]
    rule: MatchRule


@dataclass(frozen=True, slots=True)
class Decision:
    """What matching decided; `patient_id` is the known patient of a link."""

    outcome: MatchOutcome
    rule: MatchRule
    candidate_count: int = 0
    patient_id: str | None = None
    resemblances: tuple[Resemblance, ...] = ()
    is_block_too_large: bool = False


#: what people decided about pairs of known patients, in both directions
Decided = Mapping[str, Mapping[str, ReviewDecision]]


@dataclass(frozen=True, slots=True)
class Block:
    """The candidates of one person, and whether a key had too many to compare them."""

    candidates: Sequence[Candidate] = ()
    is_too_large: bool = False


@dataclass(slots=True)
class _Compared:
    fits: list[tuple[Candidate, MatchRule]] = field(default_factory=list)
    resemblances: list[Resemblance] = field(default_factory=list)


def decide(
    identity: Identity, matching_key: str, block: Block, *, decided: Decided, threshold: float = DUPLICATE_THRESHOLD
) -> Decision:
    """Decide which patient a referral belongs to."""
    compared = _compare_all(identity, matching_key, block.candidates, threshold)
    count = len(block.candidates)
    resemblances = _strongest(compared.resemblances)
    if not identity.is_usable:
        return Decision(
            MatchOutcome.UNIDENTIFIED, MatchRule.NO_USABLE_IDENTITY, count, None, resemblances, block.is_too_large
        )
    if block.is_too_large:
        outcome, rule = MatchOutcome.POSSIBLE_DUPLICATE, MatchRule.BLOCK_TOO_LARGE
        return Decision(outcome, rule, count, None, resemblances, block.is_too_large)
    link = _single(compared.fits, decided)
    if link is not None:
        return Decision(MatchOutcome.LINKED, link[1], count, link[0].patient_id)
    if resemblances:
        rule = MatchRule.SEVERAL_FIT if compared.fits else resemblances[0].rule
        return Decision(MatchOutcome.POSSIBLE_DUPLICATE, rule, count, None, resemblances)
    rule = MatchRule.NO_CANDIDATE_RESEMBLES if count else MatchRule.NO_CANDIDATE
    return Decision(MatchOutcome.NEW_PATIENT, rule, count)


def resemblances_of(
    identity: Identity, block: Block, *, decided: Mapping[str, ReviewDecision], threshold: float = DUPLICATE_THRESHOLD
) -> tuple[Resemblance, ...]:
    """Return whom a corrected patient resembles now, without those a person has decided about."""
    open_candidates = [c for c in block.candidates if c.patient_id not in decided]
    return _strongest(_compare_all(identity, "", open_candidates, threshold).resemblances)


def _compare_all(identity: Identity, matching_key: str, candidates: Iterable[Candidate], threshold: float) -> _Compared:
    compared = _Compared()
    for candidate in candidates:
        if have_nothing_in_common(identity, candidate.identity):
            continue
        comparison = compare(identity, candidate.identity)
        rule = fitting_rule(comparison)
        # only people of one partition key meet without races, so only they are linked by the machine
        is_linkable = candidate.matching_key == matching_key
        if rule is not None and is_linkable:
            compared.fits.append((candidate, rule))
        score = score_of(comparison)
        if rule is not None or score >= threshold or _is_for_a_person(comparison):
            reason = rule if rule is not None and is_linkable else _reason(comparison, rule)
            compared.resemblances.append(Resemblance(candidate.patient_id, score, field_scores(comparison), reason))
    return compared


def _reason(comparison: Comparison, fitting: MatchRule | None) -> MatchRule:
    if fitting is not None:
        return MatchRule.FITS_UNDER_ANOTHER_NAME
    if comparison.record_number.agreement is Agreement.SAME and contradicts(comparison):
        return MatchRule.RECORD_NUMBER_CONTRADICTED
    return MatchRule.TWIN_SUSPECTED if is_twin_like(comparison) else MatchRule.RESEMBLES


def _is_for_a_person(comparison: Comparison) -> bool:
    # the exact rules and record numbers are never ignored, whatever the score says of the rest
    is_same_number = comparison.record_number.agreement is Agreement.SAME
    return is_same_number or is_twin_like(comparison) or agrees_by_exact_rule(comparison)


def _strongest(resemblances: list[Resemblance]) -> tuple[Resemblance, ...]:
    return tuple(sorted(resemblances, key=lambda found: (-found.score, found.patient_id))[:MOST_RESEMBLANCES])


def _single(fits: Sequence[tuple[Candidate, MatchRule]], decided: Decided) -> tuple[Candidate, MatchRule] | None:
    """Return the only candidate that fits, or the oldest where people decided that all that fit are one person."""
    if len(fits) <= 1:
        return fits[0] if fits else None
    if not _are_one_person({candidate.patient_id for candidate, _ in fits}, decided):
        return None
    oldest = min((candidate for candidate, _ in fits), key=lambda c: (c.created_at, c.patient_id))
    return oldest, MatchRule.PERSON_DECIDED_SAME


def _are_one_person(patient_ids: set[str], decided: Decided) -> bool:
    reached: set[str] = set()
    waiting = [min(patient_ids)]
    while waiting:
        patient_id = waiting.pop()
        reached.add(patient_id)
        same = (other for other, answer in decided.get(patient_id, {}).items() if answer is ReviewDecision.SAME)
        waiting += [other for other in same if other not in reached]
    return patient_ids <= reached
