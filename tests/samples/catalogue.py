"""Every sample: the file, what it shows, and what has to become of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from schemas.vocabulary import MissingItem, Stage
from tests.samples import writers
from tests.samples.letters import Letter, image_only_pdf, letter_pdf, tiff

MAIL, PDF, TIFF = "message/rfc822", "application/pdf", "image/tiff"
CSV, JSON, FHIR, HL7 = "text/csv", "application/json", "application/fhir+json", "application/hl7-v2"
NOTHING_KNOWN = (
    MissingItem.PATIENT_NAME,
    MissingItem.DATE_OF_BIRTH,
    MissingItem.PHONE,
    MissingItem.SPECIALTY,
    MissingItem.REFERRING_PROVIDER,
    MissingItem.REASON,
)


@dataclass(frozen=True)
class Outcome:
    """What one referral of a sample has to look like after intake; a None stands for not known."""

    missing: tuple[MissingItem, ...] = ()
    letter: Letter | None = None

    @property
    def stage(self) -> Stage:
        """The stage in which it arrives."""
        return Stage.INTAKE_NEEDS_INFO if self.missing else Stage.INTAKE_RECEIVED

    def as_row(self) -> dict[str, object]:
        """Return it as it stands in expected.json."""
        return {"stage": self.stage, "missing_items": list(self.missing), "patient": self._patient()}

    def _patient(self) -> dict[str, object] | None:
        if self.letter is None:
            return None
        lacks_birth_date = MissingItem.DATE_OF_BIRTH in self.missing or self.letter.born is None
        return {
            "given_name": self.letter.given or None,
            "last_name": self.letter.last or None,
            "birth_date": None if lacks_birth_date or self.letter.born is None else self.letter.born.isoformat(),
            "phone": f"+1{self.letter.phone_digits}" if self.letter.phone else None,
        }


@dataclass(frozen=True)
class Sample:
    """One file of this folder."""

    path: str
    about: str
    content_type: str
    content: bytes
    outcomes: tuple[Outcome, ...]  #: none when the channel refuses it


JANE = Letter(
    given="Jane", last="Roe", born=date(1970, 1, 5), phone="(617) 555-0142", specialty="Cardiology",
    service="Echocardiogram", reason="Palpitations on exertion", code="R00.2", mrn="CH-100231",
    authorisation="PA-55812",
)  # fmt: skip
MARCO = Letter(
    given="Marco", last="Bellini", born=date(1958, 11, 23), phone="(617) 555-0177", specialty="Orthopedics",
    service="Knee evaluation", reason="Knee pain after a fall", code="M25.561", sex="male", mrn="CH-100418",
    payer="Pinnacle Health Plan", member="PHP-7718220", priority="urgent",
)  # fmt: skip
MARGARET = Letter(
    given="Margaret", last="O'Donnell", born=date(1949, 7, 30), phone="(508) 555-0119", specialty="Neurology",
    reason="Recurrent migraine with aura", code="G43.109", provider="Dr. Samuel Ortiz",
    organisation="Northside Internal Medicine", contact="referrals@northside.example",
)  # fmt: skip
JOSE = Letter(
    given="José", last="Muñoz", born=date(1985, 3, 14), phone="(617) 555-0166", specialty="Dermatology",
    reason="Changing mole on the back", code="D22.5", sex="male", provider="Dr. Priya Raman",
    organisation="Lakeview Primary Care", contact="frontdesk@lakeview.example",
)  # fmt: skip
WEI = Letter(
    given="Wei", last="Zhang", born=date(1992, 9, 2), phone="(978) 555-0135", specialty="Endocrinology",
    reason="Newly found thyroid nodule", code="E04.1", mrn="CH-100777", provider="Dr. Priya Raman",
    organisation="Lakeview Primary Care", contact="frontdesk@lakeview.example",
)  # fmt: skip
AMINA = Letter(
    given="Amina", last="Yusuf", born=date(2001, 2, 18), phone="(781) 555-0108", specialty="Pulmonology",
    service="Spirometry", reason="Cough for eight weeks", code="R05.3", provider="Dr. Samuel Ortiz",
    organisation="Northside Internal Medicine", contact="referrals@northside.example",
)  # fmt: skip
THEO = Letter(
    given="Theo", last="Lindqvist", born=date(1976, 6, 9), phone="(339) 555-0150", specialty="Gastroenterology",
    service="Colonoscopy", reason="Screening, family history", code="Z12.11", sex="male",
    provider="Dr. Anders Holm", organisation="Old Mill Medical Group", contact="intake@oldmill.example",
)  # fmt: skip
RUTH = Letter(
    given="Ruth", last="Abernathy", born=date(1938, 12, 1), phone="(413) 555-0183", specialty="Rheumatology",
    reason="Morning stiffness of both hands", code="M25.641", provider="Dr. Anders Holm",
    organisation="Old Mill Medical Group", contact="intake@oldmill.example", payer="Commonwealth Care",
    member="CC-4410925",
)  # fmt: skip

ZOE = Letter(
    given="Zoë", last="Brontë", born=date(1967, 8, 21), phone="(617) 555-0129", specialty="Neurology",
    reason="Numbness of the left hand", code="R20.0",
)  # fmt: skip


def catalogue() -> Iterator[Sample]:
    """Yield every sample."""
    for part in (_mails, _faxes, _voicemails, _tables, _portal, _messages, _fhir):
        yield from part()


def _mails() -> Iterator[Sample]:
    def sample(name: str, about: str, content: bytes, *outcomes: Outcome) -> Sample:
        return Sample(f"mail/{name}.eml", about, MAIL, content, outcomes)

    def wrote(letter: Letter, *missing: MissingItem, of: Letter | None = None, name: str, about: str) -> Sample:
        return sample(name, about, writers.letter_mail(name, letter), Outcome(missing, of or letter))

    yield wrote(JANE, name="complete", about="everything that a referral needs")
    yield sample("html_only", "the text is HTML", writers.html_mail("html_only", WEI), Outcome((), WEI))
    yield wrote(
        MARCO.but(name_as_written="BELLINI, MARCO", reason="KNEE PAIN AFTER A FALL"), of=MARCO,
        name="capitals", about="the name in one string of capitals, last name first",
    )  # fmt: skip
    peggy = MARGARET.but(given="Peggy")
    yield wrote(peggy, name="nickname", about="a nickname; nothing is missing, matching has to cope")
    yield wrote(
        AMINA.but(born=None), MissingItem.DATE_OF_BIRTH, name="missing_birth_date", about="no date of birth"
    )  # fmt: skip
    yield wrote(
        THEO.but(born=date(1976, 6, 29), born_as_written="29/06/1976"), MissingItem.DATE_OF_BIRTH,
        name="day_month_swapped", about="a date that can only be meant day first is asked for, not guessed",
    )  # fmt: skip
    yield wrote(
        RUTH.but(born_as_written="12/01/38"), MissingItem.DATE_OF_BIRTH,
        name="two_digit_year", about="a year of two digits is asked for, not guessed",
    )  # fmt: skip
    quoted = [f"> {line}" for line in ("On Friday the front desk wrote:", *RUTH.lines())]
    chain = writers.letter_mail("reply_chain", WEI.but(specialty="Cardiology"), after=["", *quoted])
    yield sample("reply_chain", "an older referral is quoted below; only the new one counts", chain, Outcome((), WEI))
    yield sample("wrong_charset", "says us-ascii and is Latin-1", _mislabelled(JOSE), Outcome((), JOSE))
    attached = writers.mail(
        "attached_pdf", "Please see the attached referral.\n", ("referral.pdf", PDF, letter_pdf(MARGARET))
    )
    yield sample("attached_pdf", "the referral is an attached PDF", attached, Outcome((), MARGARET))
    yield wrote(
        Letter(given="Jane", last="Roe", born=None, phone="", specialty="", reason="", provider="", organisation="",
               sex="", payer="", member="", service="", priority=""),
        *NOTHING_KNOWN[1:], name="name_only", about="a name and nothing else",
    )  # fmt: skip
    yield sample(
        "empty", "no text at all", writers.mail("empty", ""), Outcome((*NOTHING_KNOWN, MissingItem.MESSAGE_CONTENT))
    )


def _mislabelled(letter: Letter) -> bytes:
    head = writers.letter_mail("wrong_charset", letter).partition(b"\r\n\r\n")[0]
    text = "\r\n".join(["Dear colleagues,", "", *letter.lines(), ""])
    head = b"\r\n".join(line for line in head.split(b"\r\n") if b"Content-" not in line)
    declared = b"\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 8bit"
    return head + declared + b"\r\n\r\n" + text.encode("latin-1")


def _faxes() -> Iterator[Sample]:
    def mailed(name: str, about: str, pdf: bytes, outcome: Outcome) -> Sample:
        return Sample(f"fax/{name}.eml", about, MAIL, writers.fax(f"fax-{name}", "fax.pdf", PDF, pdf), (outcome,))

    unread = Outcome((*NOTHING_KNOWN, MissingItem.READABLE_DOCUMENT))
    locked = Outcome((*NOTHING_KNOWN, MissingItem.DOCUMENT_PASSWORD))
    no_phone = WEI.but(phone="")
    yield Sample("fax/complete.pdf", "a bare fax file with a text layer", PDF, letter_pdf(MARCO), (Outcome((), MARCO),))
    yield mailed("complete", "a fax that was mailed", letter_pdf(JANE), Outcome((), JANE))
    yield mailed("missing_phone", "no phone", letter_pdf(no_phone), Outcome((MissingItem.PHONE,), no_phone))
    two = letter_pdf(AMINA, THEO)
    yield mailed("two_patients", "two patients in one fax", two, Outcome((MissingItem.SINGLE_PATIENT,), AMINA))
    yield mailed("encrypted", "a PDF with a password", letter_pdf(RUTH, password="secret"), locked)
    yield mailed("image_only", "a PDF that is only a picture", image_only_pdf(RUTH), unread)
    yield mailed("broken", "a PDF that is cut off", letter_pdf(RUTH)[:500], unread)
    yield Sample("fax/image_only.tiff", "a bare TIFF, a picture of a letter", TIFF, tiff(RUTH), (unread,))


def _voicemails() -> Iterator[Sample]:
    def sample(name: str, about: str, body: str, outcome: Outcome) -> Sample:
        return Sample(f"voicemail/{name}.eml", about, MAIL, writers.voicemail(f"voicemail-{name}", body), (outcome,))

    call_back = Outcome((*NOTHING_KNOWN, MissingItem.CALL_BACK))
    said = _said(MARGARET)
    heard = "\n".join(["New voicemail from +16175550190, 42 seconds.", "", "Transcript:", *said, ""])
    yield sample("transcript", "a transcript with everything", heard, Outcome((), MARGARET))
    body = "New voicemail from +16175550191, 17 seconds. The recording is attached.\n"
    yield sample("recording_only", "a recording without a transcript", body, call_back)
    half = [line for line in said if line.partition(":")[0] in {"Patient", "DOB"}]
    missing = (*NOTHING_KNOWN[2:], MissingItem.CALL_BACK)
    heard = "\n".join(["New voicemail from +16175550192, 9 seconds.", "", "Transcript:", *half, ""])
    yield sample("half_a_transcript", "the caller hung up", heard, Outcome(missing, MARGARET.but(phone="")))
    rows = [
        ("vm-1", "2026-01-05T08:31:00-05:00", "+16175550193", "38", "\n".join(_said(AMINA))),
        ("vm-2", "2026-01-05T08:40:00-05:00", "+16175550194", "4", ""),
    ]
    table = writers.table(writers.VOICEMAIL_COLUMNS, rows).encode()
    about = "an export of two voicemails, one without a transcript"
    yield Sample("voicemail/export.csv", about, CSV, table, (Outcome((), AMINA), call_back))


def _said(letter: Letter) -> list[str]:
    wanted = {"Patient", "DOB", "Phone", "Referring provider", "Specialty", "Reason"}
    return [line for line in letter.lines() if line.partition(":")[0] in wanted]


def _tables() -> Iterator[Sample]:
    calls = [
        (RUTH, ()),
        (WEI.but(phone=""), (MissingItem.PHONE,)),
        (THEO.but(born=None), (MissingItem.DATE_OF_BIRTH,)),
        (AMINA.but(specialty="", service=""), (MissingItem.SPECIALTY,)),
        (MARCO.but(provider="", organisation=""), (MissingItem.REFERRING_PROVIDER,)),
    ]
    rows = [writers.call_row(f"call-{number}", letter) for number, (letter, _) in enumerate(calls, start=1)]
    outcomes = tuple(Outcome(missing, letter) for letter, missing in calls)
    five = writers.table(writers.CALL_COLUMNS, rows).encode()
    yield Sample("callcentre/five_calls.csv", "five calls, four of them incomplete", CSV, five, outcomes)
    latin = writers.table(writers.CALL_COLUMNS, [writers.call_row("call-11", JOSE)]).encode("latin-1")
    yield Sample("callcentre/latin1.csv", "Latin-1", CSV, latin, (Outcome((), JOSE),))
    wide = writers.table(writers.CALL_COLUMNS, [writers.call_row("call-13", ZOE)]).encode("utf-16")
    yield Sample("callcentre/utf16.csv", "UTF-16 with a byte order mark", CSV, wide, (Outcome((), ZOE),))
    semicolons = writers.table(writers.CALL_COLUMNS, [writers.call_row("call-12", JANE)], delimiter=";")
    about = "semicolons and a byte order mark, as spreadsheets write it"
    yield Sample("callcentre/semicolons.csv", about, CSV, semicolons.encode("utf-8-sig"), (Outcome((), JANE),))
    old = [writers.call_row(f"old-{place}", letter) for place, letter in enumerate((JANE, MARCO, RUTH), start=1)]
    three = writers.table(writers.RECORD_COLUMNS, old).encode()
    kept = tuple(Outcome((), letter) for letter in (JANE, MARCO, RUTH))
    yield Sample("csv/backfill.csv", "three referrals of the time before", CSV, three, kept)
    torn = five.split(b"\r\n")[0] + b'\r\nold-9,"2026-01-05T09:10:00-05:00,Theo Lindqvist,06/09/1976\r\n'
    about = "a quote that never ends; people have to read the row"
    yield Sample("csv/open_quote.csv", about, CSV, torn.replace(b"call_id", b"record_id"), (Outcome(NOTHING_KNOWN),))


def _portal() -> Iterator[Sample]:
    def sample(name: str, about: str, content: bytes, *outcomes: Outcome) -> Sample:
        return Sample(f"portal/{name}.json", about, JSON, content, outcomes)

    yield sample("complete", "everything", writers.portal(THEO, "ORD-1"), Outcome((), THEO))
    one_string = writers.portal(JANE, "ORD-2", name="ROE, JANE A")
    yield sample("name_in_one_string", "the name in one string", one_string, Outcome((), JANE))
    bare = AMINA.but(specialty="", service="", reason="", code="")
    missing = (MissingItem.SPECIALTY, MissingItem.REASON)
    yield sample("missing_specialty", "no specialty, no reason", writers.portal(bare, "ORD-3"), Outcome(missing, bare))
    yield sample("empty", "an empty form", b"{}\n", Outcome((*NOTHING_KNOWN, MissingItem.MESSAGE_CONTENT)))
    yield sample("broken", "no JSON; the sender is told", b'{"patient": {"given_name": "Jane"\n')


def _messages() -> Iterator[Sample]:
    def sample(name: str, about: str, text: str, *outcomes: Outcome) -> Sample:
        return Sample(f"hl7/{name}.hl7", about, HL7, text.encode(), outcomes)

    yield sample("complete", "REF^I12 with everything", writers.hl7(RUTH, "MSG-1"), Outcome((), RUTH))
    feeds = writers.hl7(WEI, "MSG-2").replace("\r", "\n")
    yield sample("line_feeds", "segments end with line feeds", feeds, Outcome((), WEI))
    no_phone = THEO.but(phone="")
    text = writers.hl7(no_phone, "MSG-3")
    yield sample("missing_phone", "no phone", text, Outcome((MissingItem.PHONE,), no_phone))
    header = writers.hl7(JANE, "MSG-4").partition("\r")[0]
    garbled = f"{header}\rPID|||||\rZZZ|&&&^^^~~~\\\\|\r"
    yield sample("garbled", "a header and nothing of use", garbled, Outcome((*NOTHING_KNOWN,)))
    yield sample("malformed", "no usable header; the sender gets a negative acknowledgement", "MSH|\rPID|1\r")


def _fhir() -> Iterator[Sample]:
    def sample(name: str, about: str, content: bytes, *outcomes: Outcome) -> Sample:
        return Sample(f"fhir/{name}.json", about, FHIR, content, outcomes)

    request, patient, doctor = (
        writers.fhir_request(MARGARET, "FH-1"),
        writers.fhir_patient(MARGARET),
        writers.fhir_practitioner(MARGARET),
    )
    yield sample("bundle", "a Bundle", writers.fhir_bundle(request, patient, doctor), Outcome((), MARGARET))
    odd_patient = writers.fhir_patient(AMINA) | {"name": [{"text": "YUSUF, AMINA"}], "birthDate": "2001"}
    odd_request = writers.fhir_request(AMINA, "FH-2") | {"status": "perhaps", "extension": "unexpected"}
    odd = writers.fhir_bundle(odd_patient, odd_request)
    about = "an invalid status, a name in one string, only the year of birth, no practitioner"
    yield sample("bundle_odd", about, odd, Outcome((MissingItem.DATE_OF_BIRTH,), AMINA))
    lone = writers.fhir_alone(writers.fhir_request(THEO, "FH-3"))
    missing = (MissingItem.PATIENT_NAME, MissingItem.DATE_OF_BIRTH, MissingItem.PHONE)
    yield sample("service_request", "a ServiceRequest without its patient", lone, Outcome(missing))
    yield sample("wrong_resource", "no referral; the sender is told", writers.fhir_alone({"resourceType": "Device"}))
