"""Names of people: folding, phonetic codes, nicknames, and whether two writings mean the same name."""

import unicodedata
from functools import lru_cache

from nicknames import NickNamer, name_triplets
from rapidfuzz.distance import OSA, JaroWinkler

from schemas.phonetic import phonetic_code
from services.matcher.rules.agreement import DIFFERENT, SAME, UNKNOWN, Agreement, FieldResult

CACHED_NAMES = 1 << 17
NICKNAME_SCORE = 0.95
INITIAL_SCORE = 0.6
#: below this Jaro-Winkler similarity two names have nothing in common
UNRELATED_BELOW = 0.8
TYPO_SIMILARITY = 0.92
TYPO_MIN_LENGTH = 4
SOUNDS_ALIKE_SIMILARITY = 0.8
_APOSTROPHES = str.maketrans("", "", "'’‘`´.")
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})
_NICKNAMES = NickNamer()
#: names that differ in a letter and still name two people, twins above all; the nickname list has the older ones
_MODERN_NAMES = """
    aidan aiden alina amara amari amaya anaya arya ava ayla braden braylen brayden bryson caden camden camila
    carlos cayden cayla chloe diego emilia emilio eva hayden hailey haley isla ivan jaden jaiden jalen jamal jamie
    jaxon jayce jayden jayla jaylen jose juan kaden kaiden kaleb kamila kayden kayla kaylee keira kiara kira kyla kyra
    layla leila liam lila lola luca lucas luis luka lyla madison addison maria marie mario mariana mason jason maya mia
    mila mira mya nadia nadine nia noah noemi nora nyla olivia payton peyton raul saul riley ryan ryder sofia tania
    tayla taylor tiana trevor tyler tyra zaid zara zaria zayn zoe zoey"""
_STANDING_ALONE = frozenset(_MODERN_NAMES.split())
_KNOWN_NAMES = _STANDING_ALONE.union(*((canonical, nickname) for canonical, _, nickname in name_triplets()))


@lru_cache(CACHED_NAMES)
def fold(name: str) -> str:
    """Return a name in small letters without accents, punctuation and suffixes such as Jr."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_APOSTROPHES))
    spaced = "".join(letter if letter.isalpha() else " " for letter in plain if not unicodedata.combining(letter))
    words = spaced.split()
    kept = [word for word in words if word not in _SUFFIXES]
    return " ".join(kept or words)


@lru_cache(CACHED_NAMES)
def compare_given_names(one: str, other: str) -> FieldResult:
    """Compare two folded first names; names of two different people never count as a misspelling."""
    if not one or not other:
        return UNKNOWN
    if one == other or one.replace(" ", "") == other.replace(" ", ""):
        return SAME
    if len(one) == 1 or len(other) == 1:
        return FieldResult(Agreement.WEAK, INITIAL_SCORE) if one[0] == other[0] else DIFFERENT
    first, first_other = one.split(), other.split()
    if len(first) > 1 or len(first_other) > 1:
        return _compare_double_names(first, first_other)
    return _compare_single_names(one, other)


@lru_cache(CACHED_NAMES)
def compare_last_names(one: str, other: str) -> FieldResult:
    """Compare two folded last names; a part of a double name counts as alike."""
    if not one or not other:
        return UNKNOWN
    compact, compact_other = one.replace(" ", ""), other.replace(" ", "")
    if compact == compact_other:
        return SAME
    similarity = JaroWinkler.similarity(compact, compact_other)
    if _is_part_of_double_name(one, other):
        return FieldResult(Agreement.ALIKE, max(similarity, NICKNAME_SCORE))
    if _is_misspelling(compact, compact_other) or _sounds_alike(compact, compact_other, similarity):
        return FieldResult(Agreement.ALIKE, max(similarity, 0.9))
    return _unrelated(similarity)


@lru_cache(CACHED_NAMES)
def compare_middle_names(one: str, other: str) -> FieldResult:
    """Compare two folded middle names, where an initial is as good as the name."""
    if not one or not other:
        return UNKNOWN
    if one[0] == other[0] and (len(one) == 1 or len(other) == 1):
        return FieldResult(Agreement.ALIKE, INITIAL_SCORE)
    return compare_given_names(one, other)


def _compare_single_names(one: str, other: str) -> FieldResult:
    similarity = JaroWinkler.similarity(one, other)
    if _are_nicknames(one, other):
        return FieldResult(Agreement.ALIKE, NICKNAME_SCORE)
    if _skeleton(one) == _skeleton(other):
        return FieldResult(Agreement.ALIKE, max(similarity, 0.9))
    both_are_names = one in _KNOWN_NAMES and other in _KNOWN_NAMES
    if not both_are_names and _is_misspelling(one, other):
        return FieldResult(Agreement.ALIKE, max(similarity, 0.9))
    return _unrelated(similarity)


def _compare_double_names(one: list[str], other: list[str]) -> FieldResult:
    # "Mary" may be "Mary Ann", but "Mary Ann" is not "Mary Beth"
    head = compare_given_names(one[0], other[0])
    if head.agreement not in (Agreement.SAME, Agreement.ALIKE) or min(len(one), len(other)) == 1:
        return FieldResult(Agreement.ALIKE, NICKNAME_SCORE) if head.agreement is Agreement.SAME else head
    rest = compare_middle_names(" ".join(one[1:]), " ".join(other[1:]))
    if rest.agreement is Agreement.DIFFERENT:
        return FieldResult(Agreement.DIFFERENT, rest.score)
    return FieldResult(Agreement.ALIKE, min(head.score, NICKNAME_SCORE))


def _are_nicknames(one: str, other: str) -> bool:
    canonicals, canonicals_other = _canonicals(one), _canonicals(other)
    if one in canonicals_other or other in canonicals:
        return True
    # Liz and Beth are both Elizabeth, but Maria and Marie are names of their own
    both_stand_alone = one in _STANDING_ALONE and other in _STANDING_ALONE
    return not both_stand_alone and not canonicals.isdisjoint(canonicals_other)


@lru_cache(CACHED_NAMES)
def _canonicals(name: str) -> frozenset[str]:
    return frozenset(_NICKNAMES.canonicals_of(name))


@lru_cache(CACHED_NAMES)
def _skeleton(name: str) -> str:
    """Return a name without the letters in which its usual spellings differ (Sara and Sarah, Erik and Eric)."""
    plain = name.replace("ph", "f").replace("ck", "k").replace("c", "k").replace("h", "").replace("y", "i")
    plain = plain.replace("ie", "i").replace("ei", "i") if not name.endswith("ie") else plain
    return "".join(letter for index, letter in enumerate(plain) if index == 0 or plain[index - 1] != letter)


def _is_misspelling(one: str, other: str) -> bool:
    if min(len(one), len(other)) < TYPO_MIN_LENGTH:
        return False
    return OSA.distance(one, other, score_cutoff=1) <= 1 or JaroWinkler.similarity(one, other) >= TYPO_SIMILARITY


def _sounds_alike(one: str, other: str, similarity: float) -> bool:
    return similarity >= SOUNDS_ALIKE_SIMILARITY and phonetic_code(one) == phonetic_code(other)


def _is_part_of_double_name(one: str, other: str) -> bool:
    words, words_other = set(one.split()), set(other.split())
    if len(words) == len(words_other):
        return False
    return words <= words_other or words_other <= words


def _unrelated(similarity: float) -> FieldResult:
    return FieldResult(Agreement.DIFFERENT, similarity / 2) if similarity >= UNRELATED_BELOW else DIFFERENT
