"""FHIR R4: a Bundle or a ServiceRequest, and the OperationOutcome that answers it."""

from datetime import datetime
from typing import Any

from schemas.vocabulary import Channel
from services.intake.channels.arrival import Arrival, Sender
from services.intake.channels.identity import file_name_of, message_id_of
from services.intake.channels.json_object import read_object, substance_of
from services.intake.channels.refusal import Refusal, RefusalCode

MEDIA_TYPE = "application/fhir+json"
_RESOURCES = ("Bundle", "ServiceRequest")
#: of a bundle that is sent again these are made anew
_STAMPS = frozenset({"id", "meta", "timestamp"})
_LONGEST_PART_OF_ID = 120
#: FHIR's own words for what is wrong (issue-type)
_ISSUE_TYPES = {
    RefusalCode.NOT_JSON: "structure",
    RefusalCode.WRONG_RESOURCE: "not-supported",
    RefusalCode.UNSUPPORTED_TYPE: "not-supported",
    RefusalCode.TOO_LARGE: "too-long",
    RefusalCode.EMPTY: "required",
    RefusalCode.UNKNOWN_KEY: "login",
    RefusalCode.NOT_ADMITTED: "forbidden",
    RefusalCode.UNAVAILABLE: "transient",
    RefusalCode.TOO_SLOW: "timeout",
}


def fhir_arrival(sender: Sender, content: bytes, *, now: datetime, file_name: str | None = None) -> Arrival:
    """Return a Bundle or a ServiceRequest as an arrival; whether it is a good one is the normaliser's matter.

    Raises:
        Refusal: it is no JSON, or another resource.
    """
    resource = read_object(content, otherwise=RefusalCode.WRONG_RESOURCE)
    if resource.get("resourceType") not in _RESOURCES:
        raise Refusal(RefusalCode.WRONG_RESOURCE)
    message_id = _bundle_id(resource)
    told = {name: value for name, value in resource.items() if message_id is None or name not in _STAMPS}
    return Arrival(
        sender=sender,
        channel=Channel.FHIR,
        content=content,
        content_type=MEDIA_TYPE,
        received_at=now,
        substance=substance_of(told, content),
        source_message_id=message_id,
        file_name=file_name_of(file_name),
    )


def outcome(refusal: Refusal) -> dict[str, Any]:
    """Return the OperationOutcome of a refusal."""
    issue = {
        "severity": "error",
        "code": _ISSUE_TYPES.get(refusal.code, "processing"),
        "details": {"text": refusal.code.value},
        "diagnostics": refusal.sentence,
    }
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def _bundle_id(resource: dict[str, Any]) -> str | None:
    identifier = resource.get("identifier")
    # a request's identifiers name the order, which may be sent in many messages
    if resource["resourceType"] != "Bundle" or not isinstance(identifier, dict):
        return None
    parts = [identifier.get("system", ""), identifier.get("value")]
    if not all(isinstance(part, str) and len(part) <= _LONGEST_PART_OF_ID for part in parts) or not parts[1]:
        return None
    return message_id_of("|".join(parts))
