"""A town of made-up patients for the matcher's bench, with names as unevenly spread as real ones."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from random import Random

import psycopg
from nicknames import name_triplets

from schemas.events import ReferralReceived
from schemas.ids import derived_id, matching_key_of, named_id, referral_id_of
from schemas.phonetic import phonetic_code
from schemas.vocabulary import Channel
from services.matcher.rules.blocking import blocking_keys
from services.matcher.rules.identity import Demographics, identity_of

NETWORK = "riverside"
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
FIRST_BIRTH_DATE = date(1935, 1, 1)
BIRTH_DATE_SPAN_DAYS = 31_000
LAST_NAMES = 30_000
#: the commonest names are borne by about one person in a hundred, as in a census
NAME_SKEW = 0.65
RETURNING_SHARE = 0.6
NOISE_SHARE = 0.15
_SYLLABLES = (
    "ba", "ber", "brook", "car", "chen", "cor", "dal", "del", "dor", "el", "fal", "field", "gar", "gu", "ham", "har",
    "hol", "ing", "jo", "kal", "ken", "ko", "lan", "lew", "lo", "mar", "mil", "mon", "na", "nor", "oka", "or", "pat",
    "pe", "quin", "ra", "rich", "ro", "sal", "ser", "ski", "son", "stein", "tan", "ter", "ton", "val", "ver", "vic",
    "wal", "wel", "win", "yam", "zel",
)  # fmt: skip
_COPY_PATIENTS = """
COPY matcher.patient (network_id, patient_id, matching_key, created_at, updated_at, given_name, last_name, birth_date,
    sex, phone) FROM STDIN
"""
_STAGE_KEYS = "CREATE TEMPORARY TABLE bench_key (key bigint, patient_id text) ON COMMIT DROP"
_COPY_KEYS = "COPY bench_key (key, patient_id) FROM STDIN"
#: in order of the key: an index that grows in order is many times faster to build
_INSERT_KEYS = """
INSERT INTO matcher.patient_key (network_id, key, patient_id)
SELECT %s, key, patient_id FROM bench_key ORDER BY key, patient_id
"""


@dataclass(frozen=True, slots=True)
class Resident:
    """One made-up patient."""

    patient_id: str
    person: Demographics


class Town:
    """Residents by number; the same seed gives the same town."""

    def __init__(self, seed: int) -> None:
        random = Random(f"town-{seed}")
        self._seed = seed
        self._given_names = sorted({name for name, _, _ in name_triplets() if len(name) > 2})
        self._last_names = sorted({_last_name(random) for _ in range(LAST_NAMES)})
        for names in (self._given_names, self._last_names):
            random.shuffle(names)
        self._given_weights = _weights(len(self._given_names))
        self._last_weights = _weights(len(self._last_names))

    def residents(self, how_many: int) -> Iterator[Resident]:
        """Yield the first residents, household by household."""
        random = Random(f"residents-{self._seed}")
        last_name, phone = "", ""
        for number in range(how_many):
            if number % 3 == 0:
                last_name, phone = self._pick_last(random), _phone(random)
            yield Resident(f"{number:08d}-0000-5000-8000-000000000000", self._person(random, last_name, phone))

    def stranger(self, random: Random) -> Demographics:
        """Return somebody who is not a resident yet."""
        return self._person(random, self._pick_last(random), _phone(random))

    def _person(self, random: Random, last_name: str, phone: str) -> Demographics:
        given = random.choices(self._given_names, cum_weights=self._given_weights)[0]
        born = FIRST_BIRTH_DATE + timedelta(days=random.randrange(BIRTH_DATE_SPAN_DAYS))
        return Demographics(given.title(), None, last_name, born, None, phone)

    def _pick_last(self, random: Random) -> str:
        return random.choices(self._last_names, cum_weights=self._last_weights)[0]


def load_residents(connection: psycopg.Connection, town: Town, how_many: int) -> list[Demographics]:
    """Write residents with their blocking keys and return every so many of them, to come back as referrals."""
    returning: list[Demographics] = []
    keep_each = max(1, how_many // 50_000)
    keys: list[tuple[int, str]] = []
    with connection.transaction():
        with connection.cursor() as cursor, cursor.copy(_COPY_PATIENTS) as copy:
            for number, resident in enumerate(town.residents(how_many)):
                copy.write_row(_row(resident))
                found = blocking_keys(NETWORK, identity_of(resident.person))
                keys.extend((key, resident.patient_id) for key in found)
                if number % keep_each == 0:
                    returning.append(resident.person)
        connection.execute(_STAGE_KEYS)
        with connection.cursor() as cursor, cursor.copy(_COPY_KEYS) as copy:
            for row in keys:
                copy.write_row(row)
        connection.execute(_INSERT_KEYS, [NETWORK])
    _settle(connection)
    return returning


def _settle(connection: psycopg.Connection) -> None:
    # what a server would have done long ago with rows that are not all a minute old
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM (ANALYZE) matcher.patient, matcher.patient_key")
    with suppress(psycopg.errors.InsufficientPrivilege):
        connection.execute("CHECKPOINT")
    connection.autocommit = False


def referrals(town: Town, residents: Sequence[Demographics], *, seed: str, how_many: int) -> Iterator[ReferralReceived]:
    """Yield referrals of residents, some of them badly written, and of strangers."""
    random = Random(f"referrals-{seed}")
    for number in range(how_many):
        is_returning = bool(residents) and random.random() < RETURNING_SHARE
        person = random.choice(residents) if is_returning else town.stranger(random)
        if random.random() < NOISE_SHARE:
            person = _noisy(random, person)
        yield _referral(named_id("bench", seed, str(number)), person, START + timedelta(seconds=number))


def _noisy(random: Random, person: Demographics) -> Demographics:
    given, last = person.given_name or "", person.last_name or ""
    place = random.randrange(1, len(last))
    return random.choice(
        (
            person._replace(phone=_phone(random)),
            person._replace(phone=None),
            person._replace(birth_date=None),
            person._replace(given_name=given[:1]),
            person._replace(last_name=last[:place] + last[place + 1 :] or last),
        )
    )


def _referral(submission_id: str, person: Demographics, at: datetime) -> ReferralReceived:
    last_name = person.last_name or ""
    return ReferralReceived(
        event_id=derived_id(submission_id, 0),
        referral_id=referral_id_of(submission_id),
        matching_key=matching_key_of(NETWORK, phonetic_code(last_name)),
        submission_id=submission_id,
        network_id=NETWORK,
        clinic_id="harbor",
        channel=Channel.FAX,
        source="+16175559000",
        content_digest=submission_id,
        fingerprint=f"fingerprint {submission_id}",
        content_fingerprint=f"content {submission_id}",
        received_at=at,
        accepted_at=at,
        given_name=person.given_name,
        last_name=person.last_name,
        birth_date=person.birth_date,
        phone=person.phone,
        referring_provider="Helen Marsh",
        referring_npi="1902803745",
        referring_organisation="Elm Street Family Practice",
        referring_contact="office@elmstreet.example",
        specialty="cardiology",
        service="Echocardiogram",
        reason="Palpitations on exertion",
        diagnosis_codes=("R00.2",),
        order_number="ORD-1-1",
        insurance_payer="Harbor Mutual",
        insurance_member_id="M00000001",
    )


def _row(resident: Resident) -> tuple[object, ...]:
    person = resident.person
    key = matching_key_of(NETWORK, phonetic_code(person.last_name or ""))
    return (
        NETWORK, resident.patient_id, key, START, START, person.given_name, person.last_name, person.birth_date,
        person.sex, person.phone,
    )  # fmt: skip


def _weights(count: int) -> list[float]:
    return list(accumulate(1 / (rank + 1) ** NAME_SKEW for rank in range(count)))


def _last_name(random: Random) -> str:
    return "".join(random.choice(_SYLLABLES) for _ in range(random.choice((2, 3, 3)))).title()


def _phone(random: Random) -> str:
    return f"+1617{random.choice('2346789')}{random.randrange(10**6):06d}"
