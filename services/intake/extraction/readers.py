"""What the reader processes run: every format, and the text of documents."""

from collections.abc import Iterator

from services.intake.extraction.documents import read_document
from services.intake.extraction.findings import Finding
from services.intake.extraction.mail import read_mail
from services.intake.extraction.recogniser import NoTextRecogniser, TextRecogniser
from services.intake.extraction.structured import read_structured
from services.intake.extraction.wire import Format, ReadRequest

RECOGNISER: TextRecogniser = NoTextRecogniser()


def read(request: ReadRequest) -> Iterator[Finding]:
    """Yield what a message or its documents tell, in the order in which it is found."""
    match request.format:
        case Format.MAIL:
            yield from read_mail(request.files[0][1], channel=request.channel, recogniser=RECOGNISER)
        case Format.FILES:
            for index, (kind, data) in enumerate(request.files):
                yield read_document(data, kind, recogniser=RECOGNISER, file_index=index)
        case _:
            yield from read_structured(request.format, request.files[0][1])
