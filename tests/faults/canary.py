"""The canary: a made-up syllable in everything that names a patient, and nowhere else."""

from random import Random

SYLLABLE = "zyxqua"
HEADS = ("Bo", "Ka", "Le", "Mi", "No", "Pa", "Ro", "Sa", "Ti", "Va", "Du", "Fe", "Ga", "Hi", "Ju")


def last_name(random: Random) -> str:
    """Return a last name that sounds unlike others and carries the canary."""
    return "".join(random.choice(HEADS) for _ in range(3)).capitalize() + SYLLABLE


def marked(text: str) -> str:
    """Return a text that names somebody, with the canary in it."""
    return f"{text} {SYLLABLE}"


def names_a_patient(content: object) -> bool:
    """Tell whether the canary is in some bytes or text."""
    text = content.decode("latin-1") if isinstance(content, bytes) else str(content)
    return SYLLABLE in text.casefold()
