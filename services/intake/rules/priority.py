"""Read how fast a referral must move."""

from schemas.vocabulary import Priority

_WORDS = {
    "routine": Priority.ROUTINE,
    "normal": Priority.ROUTINE,
    "standard": Priority.ROUTINE,
    "r": Priority.ROUTINE,
    "urgent": Priority.URGENT,
    "high": Priority.URGENT,
    "expedited": Priority.URGENT,
    "u": Priority.URGENT,
    "asap": Priority.ASAP,
    "a": Priority.ASAP,
    "as soon as possible": Priority.ASAP,
    "stat": Priority.STAT,
    "s": Priority.STAT,
    "emergent": Priority.STAT,
    "emergency": Priority.STAT,
    "immediate": Priority.STAT,
}
#: in order of weight: "URGENT - please see asap" is the stronger of the two
_IN_TEXT = ("stat", "emergent", "emergency", "immediate", "asap", "urgent", "expedited")


def parse_priority(text: str | None) -> Priority:
    """Return the priority that a text names, routine where it names none."""
    if not text:
        return Priority.ROUTINE
    lowered = text[:200].strip().lower()
    if known := _WORDS.get(lowered):
        return known
    words = lowered.replace("-", " ").replace("/", " ").replace(",", " ").split()
    if "not" in words or "non" in words:
        return Priority.ROUTINE
    return next((_WORDS[word] for word in _IN_TEXT if word in words), Priority.ROUTINE)
