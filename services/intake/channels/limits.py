"""How much a channel takes at once; what exceeds it is refused before anything of it is parsed."""

from schemas.vocabulary import Channel

LARGEST_MAIL = 30_000_000
LARGEST_TABLE = 20_000_000
LARGEST_FORM = 2_000_000
LARGEST_BUNDLE = 10_000_000
LARGEST_HL7 = 1_000_000
LARGEST: dict[Channel, int] = {
    Channel.MAIL: LARGEST_MAIL,
    Channel.FAX: LARGEST_MAIL,
    Channel.VOICEMAIL: LARGEST_MAIL,
    Channel.CALLCENTRE: LARGEST_TABLE,
    Channel.CSV: LARGEST_TABLE,
    Channel.PORTAL: LARGEST_FORM,
    Channel.FHIR: LARGEST_BUNDLE,
    Channel.HL7: LARGEST_HL7,
}
#: a form with its attachments
LARGEST_UPLOAD = 30_000_000
MOST_UPLOADED_FILES = 50
MOST_FORM_FIELDS = 200
LARGEST_FORM_FIELD = 100_000

#: the header block of a mail; one without an end within it is taken without being looked at
LARGEST_MAIL_HEAD = 256_000
MOST_TABLE_ROWS = 20_000
#: lines over all rows, empty ones included
MOST_TABLE_LINES = 200_000
LARGEST_ROW = 200_000
#: a cell with this many line breaks is a forgotten quote rather than a note
MOST_LINES_OF_ROW = 200

#: in one frame, file or body
MOST_HL7_MESSAGES = 5_000

LONGEST_MESSAGE_ID = 250
LONGEST_FILE_NAME = 200
LONGEST_SOURCE = 120

#: bodies that are in memory at the same time, over all requests
BODIES_IN_MEMORY = 256_000_000
