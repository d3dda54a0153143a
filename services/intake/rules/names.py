"""Read a person's name as it is written: one string or parts, capitals, particles, titles, suffixes."""

import re
from functools import lru_cache
from typing import NamedTuple

from services.intake.rules.texts import one_line


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TITLES = _words("mr mrs ms miss mx dr prof sir rev hon")
_SUFFIXES = _words("jr sr ii iii iv esq md do phd np pa rn dds dmd dpm pac aprn fnp facc mph msn dnp")
_PARTICLES = _words(
    "da das de del della den der di do dos du el la las le los san santa st ste ten ter van vander von y e bin bint"
)
#: words that stand where a name is not known; they are no name at all
_NOT_NAMES = _words("unknown unk none tbd pending notprovided notgiven noname anonymous x xx xxx")
_SPECIAL = _NOT_NAMES | _SUFFIXES
_NOTHING = frozenset({"n/a", "n.a.", "na", "-", "?"})
_PLACEHOLDERS = frozenset(
    {
        ("john", "doe"),
        ("jane", "doe"),
        ("jon", "doe"),
        ("baby", "doe"),
        ("joe", "bloggs"),
        ("test", "test"),
        ("test", "patient"),
        ("patient", "test"),
    }
)
_NICKNAME = re.compile(r"\(.*?\)|\"[^\"]*\"|“[^”]*”")
_NOT_IN_NAMES = re.compile(r"[\d@#<>\[\]{}|\\/_:;!?*=+~^%$&]+")
_NOT_LETTERS = re.compile(r"[^a-z]")
_PIECES = re.compile(r"([-' ])")
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "ʼ": "'"})


class PersonName(NamedTuple):
    """A name in its parts; what is not known is None."""

    given: str | None = None
    middle: str | None = None
    last: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether both a given and a last name are known."""
        return self.given is not None and self.last is not None

    @property
    def sort_form(self) -> str:
        """The name as "last, given middle", which is read back as the same name."""
        rest = " ".join(part for part in (self.given, self.middle) if part)
        return f"{self.last or ''}, {rest}" if rest else self.last or ""


NOBODY = PersonName()


def parse_name(text: str) -> PersonName:
    """Read a name written as one string, "First Middle Last" or "LAST, FIRST MIDDLE"."""
    text = "" if text.strip().lower() in _NOTHING else _plain(text)
    if "," in text:
        return _by_comma([piece.split() for piece in text.split(",")])
    # every pair of words is a whole name: "TUAN DO"
    words = _without_suffixes(_without_titles(text.split()), least=2)
    if len(words) < 2:
        return name_of_parts(last=" ".join(words))
    start = _start_of_last(words)
    return name_of_parts(given=words[0], middle=" ".join(words[1:start]), last=" ".join(words[start:]))


def name_of_parts(*, given: str = "", middle: str = "", last: str = "") -> PersonName:
    """Return a name that came in parts, written as names are written."""
    if not middle and _is_ordinary(given) and _is_ordinary(last):
        return PersonName(given, None, last)
    given, middle, last = _plain(given), _plain(middle), _plain(last)
    whole = given + middle + last
    if whole.isupper() or whole.islower():
        given, middle, last = _recased(given), _recased(middle), _recased(last)
    elif not whole.isalpha() or not (given.istitle() and last.istitle()):
        given, middle, last = _calmed(given), _calmed(middle), _calmed(last)
    last = " ".join(_without_suffixes(last.split(" "), least=1))
    return PersonName(_known(given), middle or None, _known(last))


def is_placeholder(name: PersonName) -> bool:
    """Tell whether a name is one that is written when the name is not known."""
    return ((name.given or "").lower(), (name.last or "").lower()) in _PLACEHOLDERS


def _is_ordinary(name: str) -> bool:
    return name.isascii() and name.isalpha() and name.istitle() and len(name) > 2 and name.lower() not in _SPECIAL


def _plain(text: str) -> str:
    if text.isalpha():
        return text
    if text.lower() in _NOTHING:
        return ""
    text = _NICKNAME.sub(" ", one_line(text).translate(_APOSTROPHES))
    return " ".join(_NOT_IN_NAMES.sub(" ", text).split()).strip(" ,.'-")


def _by_comma(pieces: list[list[str]]) -> PersonName:
    # "Smith, Jr., John" and "Helen Marsh, MD": what is only a suffix is no part of the name
    named = [_without_suffixes(piece, least=1) for piece in map(_without_titles, pieces) if piece]
    named = [piece for place, piece in enumerate(named) if place == 0 or not all(map(_is_suffix, piece))]
    if len(named) < 2:
        return parse_name(" ".join(named[0])) if named else NOBODY
    given, *middle = [word for piece in named[1:] for word in piece]
    return name_of_parts(given=given, middle=" ".join(middle), last=" ".join(named[0]))


def _without_titles(words: list[str]) -> list[str]:
    while len(words) > 1 and _bare(words[0]) in _TITLES:
        words = words[1:]
    return words


def _without_suffixes(words: list[str], *, least: int) -> list[str]:
    while len(words) > least and _is_suffix(words[-1]):
        words = words[:-1]
    return words


def _is_suffix(word: str) -> bool:
    # "Do" is a family name; the degree is written DO or D.O.
    return _bare(word) in _SUFFIXES and word != "Do"


def _start_of_last(words: list[str]) -> int:
    start = len(words) - 1
    while start > 1 and words[start - 1].lower() in _PARTICLES:
        start -= 1
    return start


def _recased(text: str) -> str:
    *words, last = text.lower().split(" ")
    # a particle leads to a name; where nothing follows, it is the name
    return " ".join([*map(_recased_word, words), _recased_word(last) if last not in _PARTICLES else last.capitalize()])


def _calmed(text: str) -> str:
    return " ".join(_recased_word(word.lower()) if _shouts(word) else word for word in text.split(" "))


def _shouts(word: str) -> bool:
    return len(word) > 3 and word.isupper() and "." not in word


@lru_cache(1 << 15)
def _recased_word(word: str) -> str:
    if word in _PARTICLES:
        return word
    pieces = _PIECES.split(word)
    return "".join(_recased_piece(piece, pieces[index - 2 : index]) for index, piece in enumerate(pieces))


def _recased_piece(piece: str, before: list[str]) -> str:
    if len(before) == 2 and before[1] == "'" and len(before[0]) > 2:
        return piece
    if len(piece) > 4 and piece.startswith("mc"):
        return f"Mc{piece[2:].capitalize()}"
    return piece.capitalize()


def _known(text: str) -> str | None:
    return text if text and _bare(text) not in _NOT_NAMES else None


def _bare(text: str) -> str:
    lowered = text.lower()
    return lowered if lowered.isalpha() else _NOT_LETTERS.sub("", lowered) or lowered
