"""Fingerprints know a message again and tell different ones apart (R14)."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.intake.rules.fingerprint import BUCKET_S, Identifiers, Transmission, fingerprints_of, text_digest

EDGE = datetime.fromtimestamp(20_000 * BUCKET_S, UTC)
JANE = Identifiers("Jane", "Roe", date(1970, 1, 5), "+16175550142")
NOBODY = Identifiers(None, None, None, None)
TIMES = st.timedeltas(min_value=timedelta(days=-3), max_value=timedelta(days=3)).map(lambda delta: EDGE + delta)
WORDS = st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)


def _sent(at: datetime = EDGE, message_id: str | None = "<1@x>", digest: str = "a" * 64) -> Transmission:
    return Transmission("riverside", "office@elmstreet.example", at, message_id, digest)


@given(TIMES, TIMES)
def test_a_message_with_an_id_keeps_its_fingerprint_at_any_time(one: datetime, other: datetime) -> None:
    assert fingerprints_of(_sent(one), JANE, ()) == fingerprints_of(_sent(other), JANE, ())


@given(TIMES, st.sampled_from([JANE, NOBODY, JANE._replace(phone=None, birth_date=None)]))
def test_an_id_that_is_used_again_for_other_bytes_says_nothing(at: datetime, who: Identifiers) -> None:
    first, other = _sent(EDGE, "4711", "a" * 64), _sent(at, "4711", "b" * 64)

    assert fingerprints_of(first, who, ()).transmission != fingerprints_of(other, who, ()).transmission


@given(TIMES, TIMES)
def test_content_keeps_its_fingerprint_at_any_time_and_under_any_id(one: datetime, other: datetime) -> None:
    first = fingerprints_of(_sent(one, "<1@x>", "a" * 64), JANE, ("cardiology", None))
    again = fingerprints_of(_sent(other, None, "b" * 64), JANE, ("cardiology", None))

    assert first.content == again.content is not None


def test_equal_bytes_without_an_id_count_anew_in_another_bucket() -> None:
    before, after = EDGE - timedelta(seconds=1), EDGE + timedelta(seconds=1)

    assert fingerprints_of(_sent(before, None), JANE, ()) != fingerprints_of(_sent(after, None), JANE, ())
    assert fingerprints_of(_sent(after, None), JANE, ()) == fingerprints_of(_sent(EDGE, None), JANE, ())


def test_two_voicemails_that_name_nobody_are_never_the_same_content() -> None:
    assert fingerprints_of(_sent(), NOBODY, ("please call",)).content is None
    assert fingerprints_of(_sent(), JANE._replace(birth_date=None, phone=None), ("please call",)).content is None


def test_a_message_that_asks_nothing_has_no_content() -> None:
    assert fingerprints_of(_sent(), JANE, (None, "", None)).content is None


@given(WORDS, WORDS)
def test_words_do_not_slide_from_one_field_into_the_next(one: str, other: str) -> None:
    together = fingerprints_of(_sent(), JANE, (one + "x" + other, "")).content
    apart = fingerprints_of(_sent(), JANE, (one, "x" + other)).content

    assert together != apart or not one.strip()


@given(st.sampled_from(["given_name", "last_name", "phone"]), WORDS.filter(str.strip))
def test_another_patient_has_another_fingerprint(field: str, value: str) -> None:
    other = Identifiers(**{**JANE._asdict(), field: value + "?"})

    assert fingerprints_of(_sent(), JANE, ("x",)).content != fingerprints_of(_sent(), other, ("x",)).content


def test_a_page_scanned_again_has_the_digest_of_its_words() -> None:
    page = "Patient: Jane Roe\nReason: palpitations"

    assert text_digest("01/05/2026 09:10 FAX 6175550100\n" + page + "\nPage 1 of 2") == text_digest(
        page.upper().replace("\n", "  \n ")
    )
    assert text_digest(page) != text_digest(page + " at night")
    assert text_digest(" \n ") == ""
