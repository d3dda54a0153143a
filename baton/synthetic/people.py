"""Made-up patients: households that share a phone, twins, and people of the same name."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from random import Random

FEMALE_NAMES = (
    "Elizabeth", "Katherine", "Margaret", "Susan", "Maria", "Aisha", "Mei", "Olivia", "Rebecca", "Deborah", "Ingrid",
    "Fatima", "Yuki", "Priya", "Chloe", "Hannah", "Beatrice", "Lucia", "Naomi", "Ruth", "Sofia", "Teresa", "Wanda",
    "Zoe", "Amara", "Bridget", "Camille", "Dalia", "Esther", "Florence", "Greta", "Helena", "Irene", "Joyce",
)  # fmt: skip
MALE_NAMES = (
    "William", "Robert", "James", "Michael", "Jose", "Omar", "Wei", "Liam", "Benjamin", "Thomas", "Anders", "Bruno",
    "Carlos", "Dmitri", "Edgar", "Felix", "Gustav", "Hassan", "Ivan", "Jerome", "Kwame", "Leon", "Marcus", "Nikhil",
    "Oscar", "Pavel", "Quentin", "Ravi", "Simon", "Tobias", "Ulrich", "Victor", "Walter", "Yusuf",
)  # fmt: skip
NICKNAMES = {
    "Elizabeth": "Liz", "Katherine": "Kate", "Margaret": "Peggy", "Susan": "Sue", "Rebecca": "Becky",
    "William": "Bill", "Robert": "Bob", "James": "Jim", "Michael": "Mike", "Thomas": "Tom", "Benjamin": "Ben",
}  # fmt: skip
LAST_NAMES = (
    "Okafor", "Lindqvist", "O'Brien", "de la Cruz", "Nguyen", "Schmidt", "McAllister", "Rosenthal", "Haddad", "Park",
    "Abernathy", "Castellano", "Dubois", "Ferreira", "Goldberg", "Hernandez", "Ivanov", "Jankowski", "Kowalczyk",
    "Lombardi", "Montgomery", "Nakamura", "Oyelaran", "Petrov", "Quintero", "Rasmussen", "Sorensen", "Takahashi",
    "Underwood", "Villanueva", "Whitfield", "Yamamoto", "Zielinski", "Achebe", "Bergstrom", "Chaudhry", "Delgado",
)  # fmt: skip
#: with these, a few thousand last names: as many as a region has, so that few people share one
NAME_BEGINNINGS = (
    "Alm", "Ash", "Bar", "Beck", "Berg", "Black", "Brad", "Bright", "Burn", "Cald", "Carl", "Chal", "Clay", "Crom",
    "Dal", "Dun", "East", "Ed", "Ell", "Fair", "Farn", "Fal", "Gar", "Glen", "Gold", "Grand", "Hal", "Hart", "Haw",
    "Hol", "Hum", "Kel", "Ken", "King", "Lang", "Lin", "Lock", "Mar", "Mel", "Mil", "Nor", "Oak", "Old", "Pem", "Quin",
    "Rad", "Red", "Rich", "Rock", "Sal", "Sand", "Shel", "Stan", "Strat", "Thorn", "Tol", "Under", "Van", "Wal", "Wes",
)  # fmt: skip
NAME_ENDINGS = (
    "bach", "berg", "borne", "bridge", "brook", "burgh", "by", "cliff", "combe", "cott", "dale", "den", "don", "ester",
    "felt", "field", "ford", "gate", "grave", "ham", "haven", "holm", "hurst", "ing", "land", "ley", "lock", "low",
    "man", "mark", "mere", "mont", "moor", "ness", "pool", "port", "quist", "ridge", "row", "sett", "shaw", "son",
    "stead", "stein", "stone", "stow", "strand", "ton", "vale", "ville", "wald", "wick", "wood", "worth",
)  # fmt: skip
EXCHANGES = tuple(number for number in range(200, 1000) if number % 100 != 11)
COMMON_NAME_SHARE = 0.2
FIRST_BIRTH_DATE = date(1935, 1, 1)
BIRTH_DATE_SPAN_DAYS = 31_000
TWIN_SHARE = 0.03


class PersonSex(StrEnum):
    """Administrative sex of a made-up patient."""

    FEMALE = "female"
    MALE = "male"


@dataclass(frozen=True, kw_only=True)
class Person:
    """A made-up patient."""

    given_name: str
    last_name: str
    birth_date: date
    sex: PersonSex
    phone: str  #: ten digits
    mrn: str


def make_people(random: Random) -> Iterator[Person]:
    """Yield patients without end, household by household; the same seed gives the same people."""
    while True:
        yield from _household(random)


def _household(random: Random) -> list[Person]:
    last_name = _last_name(random)
    phone = _phone(random)
    members = [_person(random, last_name, phone) for _ in range(random.choice((1, 1, 2, 3, 4)))]
    if random.random() < TWIN_SHARE:
        twin = members[-1]
        names = [name for name in (*FEMALE_NAMES, *MALE_NAMES) if name != twin.given_name]
        given = random.choice(names)
        members.append(replace(twin, given_name=given, sex=_sex_of(given), mrn=_mrn(random)))
    return members


def _last_name(random: Random) -> str:
    if random.random() < COMMON_NAME_SHARE:
        return random.choice(LAST_NAMES)
    name = random.choice(NAME_BEGINNINGS) + random.choice(NAME_ENDINGS)
    return f"{name}-{random.choice(LAST_NAMES).split()[-1]}" if random.random() < 0.05 else name


def _person(random: Random, last_name: str, phone: str) -> Person:
    given = random.choice(FEMALE_NAMES + MALE_NAMES)
    return Person(
        given_name=given,
        last_name=last_name,
        birth_date=FIRST_BIRTH_DATE + timedelta(days=random.randrange(BIRTH_DATE_SPAN_DAYS)),
        sex=_sex_of(given),
        phone=phone if random.random() < 0.7 else _phone(random),
        mrn=_mrn(random),
    )


def _sex_of(given_name: str) -> PersonSex:
    return PersonSex.FEMALE if given_name in FEMALE_NAMES else PersonSex.MALE


def _mrn(random: Random) -> str:
    return f"MR{random.randrange(10**9):09d}"


def _phone(random: Random) -> str:
    area = random.choice(("617", "212", "303", "415", "512", "206", "305", "702", "801", "919"))
    # exchanges that end in 11 are service codes, which no patient has
    exchange = random.choice(EXCHANGES)
    return f"{area}{exchange}{random.randrange(10**4):04d}"
