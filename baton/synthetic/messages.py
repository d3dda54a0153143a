"""Write a made-up referral the way each channel would carry it, tidy or messy."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from random import Random

from baton.synthetic.letters import image_only_pdf, letter_lines, letter_pdf
from baton.synthetic.mess import Mess, messed_up
from baton.synthetic.orders import Order
from schemas.vocabulary import Channel

CSV_COLUMNS = (
    "call_id", "patient_name", "date_of_birth", "phone", "sex", "mrn", "referring_provider", "organisation",
    "specialty", "service", "reason", "insurance", "member_id", "priority",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Message:
    """What a sender hands in."""

    channel: Channel
    clinic: str
    content: bytes
    content_type: str

    @property
    def path(self) -> str:
        """The intake door of the message's channel."""
        return path_of(self.channel)


def path_of(channel: Channel) -> str:
    """Return the HTTP door of a channel; HL7 messages come by MLLP instead."""
    return {Channel.PORTAL: "/portal/referrals", Channel.FHIR: "/fhir"}.get(channel, f"/inbound/{channel}")


def render(order: Order, channel: Channel, random: Random, *, clinic: str, is_messy: bool = False) -> Message:
    """Return the referral as a message of a channel; a messy one has one defect that real senders have."""
    mess = random.choice(tuple(Mess)) if is_messy else None
    content_type, write = _WRITERS[channel]
    content = write(messed_up(order, mess), mess)
    return Message(channel=channel, clinic=clinic, content=content, content_type=content_type)


def _portal(order: Order, _mess: Mess | None) -> bytes:
    person = order.person
    return json.dumps(
        {
            "patient": {
                "given_name": person.given_name,
                "last_name": person.last_name,
                "birth_date": _iso(order),
                "sex": person.sex.value,
                "phone": person.phone,
                "mrn": person.mrn,
            },
            "referral": {
                "specialty": order.specialty,
                "service": order.service,
                "reason": order.reason,
                "diagnosis_codes": [order.diagnosis_code],
                "priority": order.priority,
                "order_number": order.number,
            },
            "referring": {
                "provider": order.provider,
                "npi": order.npi,
                "organisation": order.organisation,
                "contact": order.contact,
            },
            "insurance": {"payer": order.payer, "member_id": order.member_id},
        }
    ).encode()


def _mail(order: Order, mess: Mess | None) -> bytes:
    lines = letter_lines(order, mess)
    if mess is Mess.EMPTY:
        return _eml(order, "").as_bytes()
    if mess is Mess.REPLY_CHAIN:
        quoted = [f"> {line}" for line in ["Patient: Old Entry", "DOB: 01/02/1950", "Specialty: Podiatry"]]
        lines = [*lines, "", "On Monday the front desk wrote:", *quoted]
    text = "\n".join(["Dear colleagues,", "", *lines, "", "Kind regards"])
    if mess is Mess.WRONG_CHARSET:
        raw = _eml(order, "").as_bytes().replace(b"\n\n", b"\n\n" + text.encode("latin-1", "replace"), 1)
        return raw.replace(b"utf-8", b"us-ascii")
    return _eml(order, text).as_bytes()


def _fax(order: Order, mess: Mess | None) -> bytes:
    message = _eml(order, "Fax received. See attachment.", sender="fax-gateway@clinic.example")
    pdf = image_only_pdf() if mess is Mess.BAD_SCAN else letter_pdf(order, mess)
    if mess is Mess.BROKEN_FILE:
        pdf = pdf[: len(pdf) // 3]
    message.add_attachment(pdf, maintype="application", subtype="pdf", filename="fax.pdf")
    return _with_boundary(message, order)


def _voicemail(order: Order, mess: Mess | None) -> bytes:
    text = "New voicemail. The recording is attached."
    if mess is None:
        text += "\n\nTranscript:\n" + "\n".join(letter_lines(order, mess)[:4])
    message = _eml(order, text, sender="voicemail@clinic.example")
    audio = b"RIFF\x24\x00\x00\x00WAVEfmt " + order.number.encode()
    message.add_attachment(audio, maintype="audio", subtype="wav", filename="message.wav")
    return _with_boundary(message, order)


def _row(order: Order, _mess: Mess | None) -> bytes:
    person = order.person
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    writer.writerow(
        (
            order.number, f"{person.given_name} {person.last_name}".strip(), _us(order), person.phone, person.sex.value,
            person.mrn, order.provider, order.organisation, order.specialty, order.service, order.reason, order.payer,
            order.member_id, order.priority,
        )
    )  # fmt: skip
    return out.getvalue().encode()


def _hl7(order: Order, _mess: Mess | None) -> bytes:
    person = order.person
    born = person.birth_date.strftime("%Y%m%d") if _iso(order) else ""
    provider = order.provider.removeprefix("Dr. ").split()
    segments = (
        f"MSH|^~\\&|EHR|{order.organisation}|BATON|RIVERSIDE|{order.written_at:%Y%m%d%H%M%S%z}||REF^I12^REF_I12"
        f"|{order.number}|P|2.5.1",
        f"RF1|P|{order.priority[0].upper()}|^{order.specialty}|||{order.number}|{order.written_at:%Y%m%d}"
        f"|||^{order.reason}",
        f"PRD|RP|{provider[-1]}^{provider[0]}^^^^Dr.||{order.organisation}|||{order.npi}^NPI",
        f"PID|1||{person.mrn}^^^EHR^MR||{person.last_name}^{person.given_name}||{born}|{person.sex.value[0].upper()}"
        f"|||||{person.phone}",
        f"IN1|1|PLAN|{order.member_id}|{order.payer}",
        f"DG1|1||{order.diagnosis_code}^{order.reason}^I10",
        f"OBR|1|{order.number}||{order.service}^{order.service}",
    )
    return "\r".join(segments).encode() + b"\r"


def _fhir(order: Order, _mess: Mess | None) -> bytes:
    person = order.person
    patient: dict[str, object] = {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": [{"system": "urn:oid:2.16.840.1.113883.19.5", "value": person.mrn}],
        "name": [{"family": person.last_name, "given": [person.given_name]}],
        "gender": person.sex.value,
        "telecom": [{"system": "phone", "value": person.phone}],
    }
    if _iso(order):
        patient["birthDate"] = _iso(order)
    provider = order.provider.removeprefix("Dr. ").split()
    practitioner = {
        "resourceType": "Practitioner",
        "id": "d1",
        "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": order.npi}],
        "name": [{"family": provider[-1], "given": [provider[0]], "prefix": ["Dr."]}],
    }
    request = {
        "resourceType": "ServiceRequest",
        "id": "r1",
        "identifier": [{"value": order.number}],
        "status": "active",
        "intent": "order",
        "authoredOn": order.written_at.isoformat(),
        "priority": order.priority,
        "subject": {"reference": "Patient/p1"},
        "requester": {"reference": "Practitioner/d1", "display": order.provider},
        "performerType": {"text": order.specialty},
        "code": {"text": order.service},
        "reasonCode": [
            {
                "coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": order.diagnosis_code}],
                "text": order.reason,
            }
        ],
        "insurance": [{"display": order.payer}],
    }
    entries = [{"resource": resource} for resource in (request, patient, practitioner)]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


def _eml(order: Order, text: str, *, sender: str | None = None) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender or order.contact
    message["To"] = "referrals@riverside.example"
    message["Subject"] = "Referral"
    message["Date"] = format_datetime(order.written_at)
    message["Message-ID"] = f"<{order.number}@{order.contact.partition('@')[2]}>"
    message.set_content(text)
    return message


def _with_boundary(message: EmailMessage, order: Order) -> bytes:
    # left to itself, the library draws one at random
    message.set_boundary(f"boundary-{order.number}")
    return message.as_bytes()


def _iso(order: Order) -> str | None:
    return order.person.birth_date.isoformat() if order.person.birth_date.year > 1 else None


def _us(order: Order) -> str:
    return order.person.birth_date.strftime("%m/%d/%Y") if order.person.birth_date.year > 1 else ""


_WRITERS: Mapping[Channel, tuple[str, Callable[[Order, Mess | None], bytes]]] = {
    Channel.PORTAL: ("application/json", _portal),
    Channel.MAIL: ("message/rfc822", _mail),
    Channel.FAX: ("message/rfc822", _fax),
    Channel.VOICEMAIL: ("message/rfc822", _voicemail),
    Channel.CALLCENTRE: ("text/csv", _row),
    Channel.CSV: ("text/csv", _row),
    Channel.HL7: ("application/hl7-v2", _hl7),
    Channel.FHIR: ("application/fhir+json", _fhir),
}
