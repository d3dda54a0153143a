"""Made-up referrals: who refers whom to what, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from baton.synthetic.people import Person, make_people

SPECIALTIES: dict[str, tuple[str, str, str]] = {
    "Cardiology": ("Echocardiogram", "Palpitations on exertion", "R00.2"),
    "Dermatology": ("Skin lesion evaluation", "Changing mole on the back", "D22.5"),
    "Gastroenterology": ("Colonoscopy", "Screening, family history", "Z12.11"),
    "Neurology": ("Consultation", "Recurrent migraine with aura", "G43.109"),
    "Orthopedics": ("Knee evaluation", "Knee pain after a fall", "M25.561"),
    "Endocrinology": ("Consultation", "Newly found thyroid nodule", "E04.1"),
    "Pulmonology": ("Spirometry", "Cough for eight weeks", "R05.3"),
    "Rheumatology": ("Consultation", "Morning stiffness of both hands", "M25.641"),
}
OFFICES = (
    ("Dr. Helen Marsh", "1902803745", "Elm Street Family Practice", "office@elmstreet.example"),
    ("Dr. Samuel Ortiz", "1568492087", "Northside Internal Medicine", "referrals@northside.example"),
    ("Dr. Priya Raman", "1346250911", "Lakeview Primary Care", "frontdesk@lakeview.example"),
    ("Dr. Anders Holm", "1174629354", "Old Mill Medical Group", "intake@oldmill.example"),
)
PAYERS = ("Harbor Mutual", "Pinnacle Health Plan", "Commonwealth Care", "Blue Ridge Insurance")
PRIORITIES = ("routine",) * 8 + ("urgent", "stat")
RETURNING_SHARE = 0.2
#: when orders were written whose time does not matter
LONG_AGO = datetime(2026, 1, 5, 13, 30, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Order:
    """One made-up referral."""

    number: str
    person: Person
    specialty: str
    service: str
    reason: str
    diagnosis_code: str
    provider: str
    npi: str
    organisation: str
    contact: str
    payer: str
    member_id: str
    priority: str
    written_at: datetime = LONG_AGO


def make_orders(seed: int, *, start: int = 0, people: Iterator[Person] | None = None) -> Iterator[Order]:
    """Yield referrals without end, of people of the seed's own unless told; one in five is of somebody referred before.

    Two seeds share no order number.
    """
    random = Random(f"orders-{seed}-{start}")
    people = make_people(random) if people is None else people
    known: list[Person] = []
    number = start
    while True:
        if known and random.random() < RETURNING_SHARE:
            person = random.choice(known)
        else:
            person = next(people)
            known.append(person)
            del known[:-500]
        number += 1
        yield _order(random, number, seed, person)


def _order(random: Random, number: int, seed: int, person: Person) -> Order:
    specialty = random.choice(tuple(SPECIALTIES))
    service, reason, code = SPECIALTIES[specialty]
    provider, npi, organisation, contact = random.choice(OFFICES)
    return Order(
        number=f"ORD-{seed}-{number}",
        person=person,
        specialty=specialty,
        service=service,
        reason=reason,
        diagnosis_code=code,
        provider=provider,
        npi=npi,
        organisation=organisation,
        contact=contact,
        payer=random.choice(PAYERS),
        member_id=f"M{random.randrange(10**8):08d}",
        priority=random.choice(PRIORITIES),
    )
