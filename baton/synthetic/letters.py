"""Referral letters: labelled lines, and PDF pages with or without a text layer."""

import io

from reportlab.lib.pagesizes import LETTER
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from baton.synthetic.mess import NOT_TOLD, Mess
from baton.synthetic.orders import Order

LINE_HEIGHT = 18
LEFT, TOP = 72, 720


def letter_lines(order: Order, mess: Mess | None) -> list[str]:
    """Return the labelled lines of a referral letter; what the sender left out has no line."""
    person = order.person
    swapped = mess is Mess.DAY_AND_MONTH_SWAPPED
    born = person.birth_date.strftime("%d/%m/%Y" if swapped else "%m/%d/%Y")
    lines = {
        "Patient": f"{person.given_name} {person.last_name}",
        "DOB": "" if person.birth_date == NOT_TOLD else born,
        "Phone": f"({person.phone[:3]}) {person.phone[3:6]}-{person.phone[6:]}" if person.phone else "",
        "Sex": person.sex.value,
        "MRN": person.mrn,
        "Referring provider": order.provider,
        "NPI": order.npi,
        "Organization": order.organisation,
        "Specialty": order.specialty,
        "Service": order.service,
        "Reason": order.reason,
        "Diagnosis": order.diagnosis_code,
        "Insurance": order.payer,
        "Member ID": order.member_id,
        "Priority": order.priority,
        "Order number": order.number,
    }
    return [f"{label}: {value}" for label, value in lines.items() if value]


def letter_pdf(order: Order, mess: Mess | None) -> bytes:
    """Return a letter as a PDF with a text layer; encrypted, or about two patients, when that is its defect."""
    encryption = StandardEncryption("secret", ownerPassword="owner") if mess is Mess.ENCRYPTED else None
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=LETTER, invariant=True, encrypt=encryption)
    lines = ["Referral", "", *letter_lines(order, mess)]
    if mess is Mess.TWO_PATIENTS:
        lines += ["", "Patient: Second Person", "DOB: 03/04/1961", "Phone: (212) 555-0142"]
    for place, line in enumerate(lines):
        canvas.drawString(LEFT, TOP - place * LINE_HEIGHT, line)
    canvas.save()
    return buffer.getvalue()


def image_only_pdf() -> bytes:
    """Return a page without a text layer, as a scanner makes it."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=LETTER, invariant=True)
    for place in range(30):
        canvas.rect(LEFT, TOP - place * LINE_HEIGHT, 300 - 7 * (place % 5), 8, fill=True)
    canvas.save()
    return buffer.getvalue()
