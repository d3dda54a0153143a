"""The made-up referrals the samples are about, and how they look on paper."""

import io
from dataclasses import dataclass, replace
from datetime import date
from textwrap import wrap

from PIL import Image, ImageDraw
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

LEFT, TOP, LINE_HEIGHT = 72, 720, 18
SCAN_SIZE = (850, 1100)


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One made-up referral; an empty field is one that its sender left out."""

    given: str
    last: str
    born: date | None
    phone: str
    specialty: str
    reason: str
    sex: str = "female"
    mrn: str = ""
    provider: str = "Dr. Helen Marsh"
    organisation: str = "Elm Street Family Practice"
    contact: str = "office@elmstreet.example"
    service: str = "Consultation"
    code: str = ""
    payer: str = "Harbor Mutual"
    member: str = "HM-20417733"
    authorisation: str = ""
    priority: str = "routine"
    #: how name and date of birth are written, where that differs from the usual
    name_as_written: str = ""
    born_as_written: str = ""

    def but(self, **changes: object) -> "Letter":
        """Return the same referral with changes."""
        return replace(self, **changes)  # type: ignore[arg-type]  # checked by the dataclass's own fields

    @property
    def name(self) -> str:
        """The name as the sender writes it."""
        return self.name_as_written or f"{self.given} {self.last}".strip()

    @property
    def birth_date(self) -> str:
        """The date of birth as the sender writes it."""
        return self.born_as_written or (self.born.strftime("%m/%d/%Y") if self.born else "")

    @property
    def phone_digits(self) -> str:
        """The phone number without signs."""
        return "".join(sign for sign in self.phone if sign.isdigit())

    def lines(self) -> list[str]:
        """Return the labelled lines of the letter."""
        labelled = {
            "Patient": self.name,
            "DOB": self.birth_date,
            "Phone": self.phone,
            "Sex": self.sex,
            "MRN": self.mrn,
            "Referring provider": self.provider,
            "Organization": self.organisation,
            "Specialty": self.specialty,
            "Service": self.service,
            "Reason": self.reason,
            "Diagnosis": self.code,
            "Insurance": self.payer,
            "Member ID": self.member,
            "Authorization": self.authorisation,
            "Priority": self.priority,
        }
        return [f"{label}: {value}" for label, value in labelled.items() if value]


def letter_pdf(*letters: Letter, password: str = "") -> bytes:
    """Return letters as pages with a text layer."""
    encryption = StandardEncryption(password, ownerPassword="owner") if password else None
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=LETTER, invariant=True, encrypt=encryption)
    for letter in letters:
        lines = ["REFERRAL REQUEST", "", *(piece for line in letter.lines() for piece in wrap(line, 80))]
        for place, line in enumerate(lines):
            canvas.drawString(LEFT, TOP - place * LINE_HEIGHT, line)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def scan(letter: Letter) -> Image.Image:
    """Return a letter as a fax machine sees it: black and white dots."""
    image = Image.new("1", SCAN_SIZE, 1)
    draw = ImageDraw.Draw(image)
    for place, line in enumerate(["REFERRAL REQUEST", "", *letter.lines()]):
        draw.text((80, 90 + place * 34), line, fill=0)
    return image


def image_only_pdf(letter: Letter) -> bytes:
    """Return a letter as a page that holds nothing but a picture of it."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=LETTER, invariant=True)
    canvas.drawImage(ImageReader(scan(letter).convert("L")), 0, 0, *LETTER)
    canvas.save()
    return buffer.getvalue()


def tiff(letter: Letter) -> bytes:
    """Return a letter as the TIFF of a fax server."""
    buffer = io.BytesIO()
    scan(letter).save(buffer, format="TIFF", compression="group4", dpi=(100, 100))
    return buffer.getvalue()
