"""How much of a foreign message is read; what exceeds it stays in the document store for people to look at."""

#: bytes of one message or file that is parsed at all
LARGEST_PARSED = 30_000_000
#: larger structured messages are parsed in a reader process, so that they cannot hold up the others
LARGEST_IN_PROCESS = 64_000
LARGEST_STRUCTURED = 2_000_000
#: bytes in which the headers of a mail have to end
LARGEST_HEAD = 256_000
MOST_MAIL_PARTS = 200
#: a boundary is declared per level, so their number bounds the depth of nesting
DEEPEST_MAIL = 30
MOST_FILES = 100
#: bytes of all files of one message that are handed to a reader process together
LARGEST_TOGETHER = 60_000_000
LARGEST_TOLD_SIZE = (1 << 31) - 1
LONGEST_HEADER = 2_000
MOST_PAGES = 100
LONGEST_DOCUMENT_TEXT = 200_000
LONGEST_TEXT_LINE = 1_000
MOST_TEXT_LINES = 5_000
DEEPEST_FORM = 4
MOST_FORM_KEYS = 500
MOST_FHIR_ENTRIES = 500
