"""The people of one made-up town: the same whenever it is played, so that patients return."""

from collections.abc import Iterator
from functools import cache
from itertools import islice
from random import Random

from baton.synthetic.people import Person, make_people

SIZE = 10_000
#: the first ones of the town are ill more often than the others
REGULARS = 60
REGULAR_SHARE = 0.25


@cache
def townspeople() -> tuple[Person, ...]:
    """Return everyone who lives there."""
    return tuple(islice(make_people(Random("riverside")), SIZE))


def visitors(random: Random) -> Iterator[Person]:
    """Yield townspeople without end as they fall ill, anyone at any time."""
    town = townspeople()
    while True:
        yield random.choice(town[:REGULARS] if random.random() < REGULAR_SHARE else town)
