"""Why a channel does not take a message; fixed words, so that nothing of a message is repeated to anyone."""

from enum import StrEnum


class RefusalCode(StrEnum):
    """What is wrong, in one word for machines."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_MANY_PARTS = "too_many_parts"
    TOO_MANY_ROWS = "too_many_rows"
    TOO_SLOW = "too_slow"
    NOT_JSON = "not_json"
    NOT_A_FORM = "not_a_form"
    WRONG_RESOURCE = "wrong_resource"
    NO_HEADER = "no_header"
    UNSUPPORTED_TYPE = "unsupported_type"
    UNKNOWN_CHANNEL = "unknown_channel"
    UNKNOWN_KEY = "unknown_key"
    NOT_ADMITTED = "not_admitted"
    BAD_ADDRESS = "bad_address"
    UNAVAILABLE = "unavailable"


_SENTENCES = {
    RefusalCode.EMPTY: "The message has no content.",
    RefusalCode.TOO_LARGE: "The message is larger than this channel takes.",
    RefusalCode.TOO_MANY_PARTS: "The message has more parts than this channel takes.",
    RefusalCode.TOO_MANY_ROWS: "The table has more rows than are taken at once; send it in pieces.",
    RefusalCode.TOO_SLOW: "The message did not arrive completely in time.",
    RefusalCode.NOT_JSON: "The content is not valid JSON.",
    RefusalCode.NOT_A_FORM: "The content is not a form: a JSON object or multipart form data.",
    RefusalCode.WRONG_RESOURCE: "The resource is neither a Bundle nor a ServiceRequest.",
    RefusalCode.NO_HEADER: "The header is missing or can not be read.",
    RefusalCode.UNSUPPORTED_TYPE: "This channel does not take this media type.",
    RefusalCode.UNKNOWN_CHANNEL: "There is no such channel.",
    RefusalCode.UNKNOWN_KEY: "The source key is missing or unknown.",
    RefusalCode.NOT_ADMITTED: "This sender may not use this channel.",
    RefusalCode.BAD_ADDRESS: "Network and clinic must be ids: small letters, digits, hyphens.",
    RefusalCode.UNAVAILABLE: "The message can not be kept safely now; send it again.",
}


class Refusal(Exception):
    """A message is not taken; its sender has to be told."""

    def __init__(self, code: RefusalCode) -> None:
        super().__init__(code.value)
        self.code = code

    @property
    def sentence(self) -> str:
        """What a person is told."""
        return _SENTENCES[self.code]
