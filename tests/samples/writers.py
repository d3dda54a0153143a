"""How each channel writes a referral."""

import csv
import io
import json
import wave
from collections.abc import Iterable, Sequence
from email.message import EmailMessage
from email.policy import SMTP

from tests.samples.letters import Letter

WHEN = "Mon, 05 Jan 2026 08:30:00 -0500"
CALL_COLUMNS = (
    "call_id", "received_at", "patient_name", "date_of_birth", "phone", "sex", "mrn", "referring_provider",
    "organisation", "specialty", "service", "reason", "insurance", "member_id", "priority", "note",
)  # fmt: skip
RECORD_COLUMNS = ("record_id", *CALL_COLUMNS[1:])
VOICEMAIL_COLUMNS = ("message_id", "received_at", "caller", "duration_s", "transcript")
Attachment = tuple[str, str, bytes]  #: file name, media type, bytes


def mail(
    number: str,
    body: str,
    *attachments: Attachment,
    sender: str = "office@elmstreet.example",
    subject: str = "Referral",
) -> bytes:
    """Return a mail; its number names it in the Message-ID."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = "referrals@riverside.example"
    message["Subject"] = subject
    message["Date"] = WHEN
    message["Message-ID"] = f"<{number}@{sender.partition('@')[2]}>"
    message.set_content(body)
    for name, media_type, data in attachments:
        main, _, sub = media_type.partition("/")
        message.add_attachment(data, maintype=main, subtype=sub, filename=name)
    raw = message.as_bytes()
    boundary = message.get_boundary()
    return raw.replace(boundary.encode(), f"part-of-{number}".encode()) if boundary else raw


def letter_mail(number: str, letter: Letter, *, after: Sequence[str] = ()) -> bytes:
    """Return a mail whose text is the letter."""
    return mail(number, "\n".join(["Dear colleagues,", "", *letter.lines(), "", "Kind regards", *after, ""]))


def html_mail(number: str, letter: Letter) -> bytes:
    """Return a mail that has an HTML part only."""
    cells = (line.partition(": ") for line in letter.lines())
    table = "\n".join(f"<tr><td><b>{label}:</b></td><td>{value}</td></tr>" for label, _, value in cells)
    page = f"<html><head><style>td {{ color: #333 }}</style></head><body><table>\n{table}\n</table></body></html>\n"
    return mail(number, page).replace(b"text/plain", b"text/html")


def fax(number: str, name: str, media_type: str, data: bytes) -> bytes:
    """Return what a fax server mails for a fax."""
    body = "A fax of 1 page has arrived. See the attachment.\n"
    return mail(number, body, (name, media_type, data), sender="fax-gateway@riverside.example", subject="Fax received")


def voicemail(number: str, body: str) -> bytes:
    """Return what a telephone system mails for a voicemail."""
    recording = ("message.wav", "audio/wav", silence())
    return mail(number, body, recording, sender="voicemail@riverside.example", subject="New voicemail")


def silence() -> bytes:
    """Return a tenth of a second of telephone silence."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(1)
        recording.setframerate(8000)
        recording.writeframes(b"\x80" * 800)
    return buffer.getvalue()


def call_row(number: str, letter: Letter, note: str = "") -> tuple[str, ...]:
    """Return one row of a call-centre export."""
    return (
        number, "2026-01-05T09:10:00-05:00", letter.name, letter.birth_date, letter.phone, letter.sex, letter.mrn,
        letter.provider, letter.organisation, letter.specialty, letter.service, letter.reason, letter.payer,
        letter.member, letter.priority, note,
    )  # fmt: skip


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, delimiter: str = ",") -> str:
    """Return rows as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()


def portal(letter: Letter, number: str, **patient: str) -> bytes:
    """Return what the portal's form sends."""
    names = patient or {"given_name": letter.given, "last_name": letter.last}
    form = {
        "patient": names | {"birth_date": _iso(letter), "sex": letter.sex, "phone": letter.phone, "mrn": letter.mrn},
        "referral": {
            "specialty": letter.specialty,
            "service": letter.service,
            "reason": letter.reason,
            "diagnosis_codes": [letter.code] if letter.code else [],
            "priority": letter.priority,
            "order_number": number,
        },
        "referring": {
            "provider": letter.provider,
            "npi": "1234567893",
            "organisation": letter.organisation,
            "contact": letter.contact,
        },
        "insurance": {
            "payer": letter.payer,
            "member_id": letter.member,
            "authorisation_number": letter.authorisation,
        },
    }
    return _document(form)


def hl7(letter: Letter, number: str) -> str:
    """Return a REF^I12 message; its segments end with carriage returns."""
    title, given, last = letter.provider.split()
    born = letter.born.strftime("%Y%m%d") if letter.born else ""
    priority = letter.priority[0].upper()
    segments = (
        f"MSH|^~\\&|CHART|{letter.organisation}|BATON|RIVERSIDE|20260105083000||REF^I12^REF_I12|{number}|P|2.5.1",
        f"RF1|P|{priority}|^{letter.specialty}|||{number}|20260105|||^{letter.reason}" if letter.specialty else "",
        f"PRD|RP|{last}^{given}^^^^{title}||{letter.organisation}|||1234567893^NPI",
        f"PID|1||{letter.mrn}^^^CHART^MR||{letter.last}^{letter.given}||{born}|{letter.sex[0].upper()}"
        f"|||||{letter.phone}",
        f"IN1|1|PLAN|{letter.member}|{letter.payer}",
        f"DG1|1||{letter.code}^{letter.reason}^I10",
        f"OBR|1|{number}||{letter.service}^{letter.service}",
    )
    return "".join(f"{segment}\r" for segment in segments if segment)


def fhir_request(letter: Letter, number: str) -> dict[str, object]:
    """Return a ServiceRequest."""
    reason: dict[str, object] = {"text": letter.reason}
    if letter.code:
        reason["coding"] = [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": letter.code}]
    return {
        "resourceType": "ServiceRequest",
        "id": "request",
        "identifier": [{"system": "urn:elmstreet:orders", "value": number}],
        "status": "active",
        "intent": "order",
        "priority": letter.priority,
        "subject": {"reference": "Patient/patient"},
        "requester": {"reference": "Practitioner/doctor", "display": letter.provider},
        "performerType": {"text": letter.specialty},
        "code": {"text": letter.service},
        "reasonCode": [reason],
        "insurance": [{"display": letter.payer}],
    }


def fhir_patient(letter: Letter) -> dict[str, object]:
    """Return the Patient of a request."""
    return {
        "resourceType": "Patient",
        "id": "patient",
        "identifier": [{"system": "urn:elmstreet:patients", "value": letter.mrn}],
        "name": [{"family": letter.last, "given": [letter.given]}],
        "gender": letter.sex,
        "birthDate": _iso(letter),
        "telecom": [{"system": "phone", "value": letter.phone}],
    }


def fhir_practitioner(letter: Letter) -> dict[str, object]:
    """Return the Practitioner who refers."""
    title, given, last = letter.provider.split()
    return {
        "resourceType": "Practitioner",
        "id": "doctor",
        "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}],
        "name": [{"family": last, "given": [given], "prefix": [title]}],
    }


def fhir_bundle(*resources: dict[str, object]) -> bytes:
    """Return resources as a Bundle."""
    entries = [{"resource": resource} for resource in resources]
    return _document({"resourceType": "Bundle", "type": "collection", "entry": entries})


def fhir_alone(resource: dict[str, object]) -> bytes:
    """Return one resource as a document."""
    return _document(resource)


def _iso(letter: Letter) -> str:
    return letter.born_as_written or (letter.born.isoformat() if letter.born else "")


def _document(content: dict[str, object]) -> bytes:
    return json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n"
