"""Readers of messages that systems write; their time grows with the size and no faster."""

from services.intake.extraction.csv_row import read_csv_row
from services.intake.extraction.fhir import read_fhir
from services.intake.extraction.findings import Finding
from services.intake.extraction.forms import read_form
from services.intake.extraction.hl7_message import read_hl7
from services.intake.extraction.wire import Format


def read_structured(format_: Format, data: bytes) -> list[Finding]:
    """Return the files in a structured message, and last of all the text of the message itself."""
    match format_:
        case Format.FORM:
            return read_form(data)
        case Format.CSV:
            return [read_csv_row(data)]
        case Format.HL7:
            return read_hl7(data)
        case _:
            return read_fhir(data)
