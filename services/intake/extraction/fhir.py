"""Read a FHIR R4 ServiceRequest, alone or in a Bundle; what a sender left out or got wrong is simply absent."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from schemas.vocabulary import MissingItem
from services.intake.extraction.field_names import FieldName, Fields
from services.intake.extraction.findings import FileRole, Finding, FoundFile, FoundText, Part
from services.intake.extraction.limits import MOST_FHIR_ENTRIES, MOST_FILES
from services.intake.extraction.media_types import kind_of_bytes
from services.intake.rules.identifiers import parse_npi
from services.intake.rules.specialty import recognise_specialty

Resource = dict[str, Any]
_UNREADABLE = FoundText(part=Part.MESSAGE, troubles=(MissingItem.READABLE_DOCUMENT,))
_EMPTY = FoundText(part=Part.MESSAGE, troubles=(MissingItem.MESSAGE_CONTENT,))
_RECORD_NUMBER = "MR"


class Bundle:
    """The resources of a message, found by reference or by type."""

    def __init__(self, root: Resource) -> None:
        self.resources: list[Resource] = []
        self._by_reference: dict[str, Resource] = {}
        if root.get("resourceType") == "Bundle":
            for entry in dicts(root.get("entry"))[:MOST_FHIR_ENTRIES]:
                self._add(as_dict(entry.get("resource")), words(entry.get("fullUrl")))
        else:
            self._add(root, "")

    def _add(self, resource: Resource, url: str) -> None:
        self.resources.append(resource)
        self._by_reference[url] = resource
        self._by_reference[f"{resource.get('resourceType')}/{resource.get('id')}"] = resource
        for contained in dicts(resource.get("contained")):
            self.resources.append(contained)
            self._by_reference[f"#{contained.get('id')}"] = contained

    def first(self, kind: str) -> Resource:
        """Return the first resource of a type, or an empty one."""
        return next((r for r in self.resources if r.get("resourceType") == kind), {})

    def all(self, kind: str) -> list[Resource]:
        """Return all resources of a type."""
        return [r for r in self.resources if r.get("resourceType") == kind]

    def resolve(self, reference: object) -> Resource:
        """Return the resource that a reference points at, or an empty one."""
        address = words(as_dict(reference).get("reference"))
        return self._by_reference.get(address) or self._by_reference.get("/".join(address.split("/")[-2:]), {})


def read_fhir(data: bytes) -> list[Finding]:
    """Return what a message tells and the documents embedded in it."""
    if not data.strip():
        return [_EMPTY]
    try:
        root = orjson.loads(data)
    except orjson.JSONDecodeError:
        return [_UNREADABLE]
    if not isinstance(root, dict):
        return [_UNREADABLE]
    bundle = Bundle(root)
    request = bundle.first("ServiceRequest")
    fields: Fields = {}
    for name, value in _told(bundle, request):
        if value and name not in fields:
            fields[name] = value
    files = list(_embedded(bundle))[:MOST_FILES]
    troubles = () if fields else _EMPTY.troubles
    troubles += (MissingItem.SINGLE_PATIENT,) if _names_several(bundle) else ()
    return [*files, FoundText(part=Part.MESSAGE, fields=fields, troubles=troubles)]


def _names_several(bundle: Bundle) -> bool:
    subjects = {words(as_dict(r.get("subject")).get("reference")) for r in bundle.all("ServiceRequest")}
    return len(subjects - {""}) > 1


Told = Iterator[tuple[FieldName, str]]


def _told(bundle: Bundle, request: Resource) -> Told:
    patient = bundle.resolve(request.get("subject")) or bundle.first("Patient")
    yield from _patient(patient)
    yield from _requester(bundle, request)
    yield from _request(bundle, request)
    yield from _coverage(bundle, request)


def _patient(patient: Resource) -> Told:
    names = dicts(patient.get("name"))
    name = next((n for n in names if n.get("use") == "official"), names[0] if names else {})
    given = [word for word in as_list(name.get("given")) if isinstance(word, str)]
    yield FieldName.LAST_NAME, words(name.get("family"))
    yield FieldName.GIVEN_NAME, given[0] if given else ""
    yield FieldName.MIDDLE_NAME, " ".join(given[1:])
    if not name.get("family"):
        yield FieldName.PATIENT_NAME, words(name.get("text"))
    yield FieldName.BIRTH_DATE, words(patient.get("birthDate"))
    yield FieldName.SEX, words(patient.get("gender"))
    for contact in dicts(patient.get("telecom")):
        if contact.get("system") in ("phone", "sms"):
            yield FieldName.PHONE, words(contact.get("value"))
    yield from _patient_ids(dicts(patient.get("identifier")))


def _patient_ids(identifiers: list[Resource]) -> Told:
    own = next((i for i in identifiers if _RECORD_NUMBER in codes(i.get("type"))), None)
    if own is None and len(identifiers) == 1:
        own = identifiers[0]
    yield FieldName.MRN, words(as_dict(own).get("value"))
    others = [i for i in identifiers if i is not own and words(i.get("value"))]
    yield FieldName.EXTERNAL_ID, "\n".join(f"{words(i.get('system')) or 'id'}|{words(i.get('value'))}" for i in others)


def _requester(bundle: Bundle, request: Resource) -> Told:
    reference = as_dict(request.get("requester"))
    found = bundle.resolve(reference)
    role = found if found.get("resourceType") == "PractitionerRole" else {}
    practitioner = bundle.resolve(role.get("practitioner")) or found
    is_person = practitioner.get("resourceType") == "Practitioner"
    named = _human_name(practitioner) if is_person else ""
    yield FieldName.REFERRING_PROVIDER, named or words(as_dict(role.get("practitioner")).get("display"))
    yield FieldName.REFERRING_PROVIDER, words(reference.get("display"))
    for identifier in dicts(practitioner.get("identifier")):
        yield FieldName.REFERRING_NPI, parse_npi(words(identifier.get("value"))) or ""
    organisation = bundle.resolve(role.get("organization"))
    if found.get("resourceType") == "Organization":
        organisation = found
    if not organisation and not role:
        organisation = bundle.first("Organization")
    yield FieldName.REFERRING_ORGANISATION, words(organisation.get("name"))
    yield FieldName.REFERRING_ORGANISATION, words(as_dict(role.get("organization")).get("display"))
    for resource in (practitioner, role, organisation):
        for contact in dicts(resource.get("telecom")):
            yield FieldName.REFERRING_CONTACT, words(contact.get("value"))


def _human_name(resource: Resource) -> str:
    name = (dicts(resource.get("name")) or [{}])[0]
    parts = [*as_list(name.get("prefix")), *as_list(name.get("given")), name.get("family")]
    return " ".join(part for part in parts if isinstance(part, str)) or words(name.get("text"))


def _request(bundle: Bundle, request: Resource) -> Told:
    service = concept_text(request.get("code"))
    told = [concept_text(request.get("performerType")), *map(concept_text, dicts(request.get("category"))), service]
    performers = [words(performer.get("display")) for performer in dicts(request.get("performer"))]
    details = [concept_text(detail) for detail in dicts(request.get("orderDetail"))]
    yield FieldName.SPECIALTY, next((text for text in (*told, *performers, *details) if recognise_specialty(text)), "")
    yield FieldName.SERVICE, service
    conditions = [bundle.resolve(reference).get("code") for reference in dicts(request.get("reasonReference"))]
    concepts = [*dicts(request.get("reasonCode")), *conditions]
    displays = [words(reference.get("display")) for reference in dicts(request.get("reasonReference"))]
    yield FieldName.REASON, "; ".join(dict.fromkeys(filter(None, map(concept_text, concepts))))
    yield FieldName.REASON, "; ".join(filter(None, displays))
    yield FieldName.DIAGNOSIS, ", ".join(code for concept in concepts for code in codes(concept))
    for identifier in dicts(request.get("identifier")):
        yield FieldName.ORDER_NUMBER, words(identifier.get("value"))
    yield FieldName.ORDER_NUMBER, words(as_dict(request.get("requisition")).get("value"))
    yield FieldName.PRIORITY, words(request.get("priority"))
    yield FieldName.NOTE, "\n".join(words(note.get("text")) for note in dicts(request.get("note")))


def _coverage(bundle: Bundle, request: Resource) -> Told:
    insurances = dicts(request.get("insurance"))
    references = [bundle.resolve(reference) for reference in insurances]
    coverages = [r for r in references if r.get("resourceType") == "Coverage"] or bundle.all("Coverage")
    for coverage in coverages:
        for payor in dicts(coverage.get("payor")):
            yield FieldName.PAYER, words(payor.get("display")) or words(bundle.resolve(payor).get("name"))
        yield FieldName.MEMBER_ID, words(coverage.get("subscriberId"))
        for identifier in dicts(coverage.get("identifier")):
            yield FieldName.MEMBER_ID, words(identifier.get("value"))
    for insurance in insurances:
        yield FieldName.PAYER, words(insurance.get("display"))
    for response in (*bundle.all("ClaimResponse"), *references):
        yield FieldName.AUTHORISATION, words(response.get("preAuthRef"))


def _embedded(bundle: Bundle) -> Iterator[FoundFile]:
    for resource in bundle.resources:
        for attachment in _attachments(resource):
            try:
                data = base64.b64decode(words(attachment.get("data")), validate=True)
            except (binascii.Error, ValueError):
                continue
            if data:
                kind = kind_of_bytes(data, words(attachment.get("contentType")))
                yield FoundFile(content_type=kind, role=FileRole.ATTACHMENT, data=data, size=len(data))


def _attachments(resource: Resource) -> Iterable[Resource]:
    if resource.get("resourceType") == "DocumentReference":
        return [as_dict(content.get("attachment")) for content in dicts(resource.get("content"))]
    return [resource] if resource.get("resourceType") == "Binary" else []


def concept_text(concept: object) -> str:
    """Return the words of a codeable concept."""
    told = as_dict(concept)
    displays = [words(coding.get("display")) for coding in dicts(told.get("coding"))]
    return words(told.get("text")) or next(filter(None, displays), "")


def codes(concept: object) -> list[str]:
    """Return the codes of a codeable concept."""
    return [words(coding.get("code")) for coding in dicts(as_dict(concept).get("coding"))]


def as_dict(value: object) -> Resource:
    """Return a JSON object, empty for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """Return a JSON array, empty for anything else."""
    return value if isinstance(value, list) else []


def dicts(value: object) -> list[Resource]:
    """Return the objects of a JSON array."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def words(value: object) -> str:
    """Return a JSON string, trimmed, empty for anything else."""
    return value.strip() if isinstance(value, str) else ""
