"""FHIR resources are taken by their type, known by their content, and refused in FHIR's own words."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.channels.fhir import fhir_arrival, outcome
from services.intake.channels.refusal import Refusal, RefusalCode
from tests.support.channels import NOW, SENDER

REQUEST = {"resourceType": "ServiceRequest", "id": "r1", "status": "active", "subject": {"reference": "Patient/p1"}}
BUNDLE = {
    "resourceType": "Bundle",
    "id": "b1",
    "identifier": {"system": "urn:office", "value": "7"},
    "timestamp": "2026-01-05T08:30:00Z",
    "entry": [{"resource": REQUEST}],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


def submission_id(resource: object, *, indent: int | None = None) -> str:
    return fhir_arrival(SENDER, json.dumps(resource, indent=indent).encode(), now=NOW).submission_id


@settings(max_examples=50, deadline=None)
@given(extra=st.dictionaries(st.text(max_size=8), JSON, max_size=4), indent=st.sampled_from([None, 0, 2]))
def test_the_same_resource_written_otherwise_is_the_same(extra: dict[str, object], indent: int | None) -> None:
    resource = extra | REQUEST
    turned = dict(reversed(list(resource.items())))

    assert submission_id(resource) == submission_id(turned, indent=indent)


def test_a_bundle_that_is_sent_again_is_the_same() -> None:
    again = BUNDLE | {"id": "b2", "timestamp": "2026-01-05T08:35:00Z", "meta": {"lastUpdated": "2026-01-05T08:35:00Z"}}

    assert submission_id(again) == submission_id(BUNDLE)


@pytest.mark.parametrize(
    "changed",
    [BUNDLE | {"entry": []}, BUNDLE | {"identifier": {"system": "urn:office", "value": "8"}}, REQUEST | {"id": "r2"}],
)
def test_another_content_is_another_submission(changed: dict[str, object]) -> None:
    assert submission_id(changed) not in (submission_id(BUNDLE), submission_id(REQUEST))


@pytest.mark.parametrize("identifier", [7, ["7"], {"value": 7}, {"value": ""}, {"value": "x" * 500}, {"system": "s"}])
def test_an_odd_identifier_is_none(identifier: object) -> None:
    content = json.dumps(BUNDLE | {"identifier": identifier}).encode()

    assert fhir_arrival(SENDER, content, now=NOW).source_message_id is None


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", RefusalCode.NOT_JSON),
        (b"\xff\xfe", RefusalCode.NOT_JSON),
        (b"[" * 100_000, RefusalCode.NOT_JSON),
        (b'{"a":' * 100_000, RefusalCode.NOT_JSON),
        (b"[]", RefusalCode.WRONG_RESOURCE),
        (b"{}", RefusalCode.WRONG_RESOURCE),
        (b'{"resourceType": "Patient"}', RefusalCode.WRONG_RESOURCE),
        (b'{"resourceType": ["Bundle"]}', RefusalCode.WRONG_RESOURCE),
        (b'{"resourceType": {"Bundle": 1}}', RefusalCode.WRONG_RESOURCE),
    ],
)
def test_what_is_no_request_is_refused(content: bytes, code: RefusalCode) -> None:
    with pytest.raises(Refusal) as refusal:
        fhir_arrival(SENDER, content, now=NOW)

    assert refusal.value.code is code


@pytest.mark.parametrize("depth", [200, 400, 1_000])
def test_a_deeply_nested_resource_is_taken_and_stays_the_same(depth: int) -> None:
    content = b'{"resourceType":"Bundle","a":' + b"[" * depth + b"]" * depth + b"}"

    first, again = (fhir_arrival(SENDER, content, now=NOW) for _ in range(2))
    assert first.submission_id == again.submission_id


def test_every_refusal_is_an_operation_outcome() -> None:
    for code in RefusalCode:
        (issue,) = outcome(Refusal(code))["issue"]
        assert issue["severity"] == "error"
        assert issue["code"]
        assert issue["details"]["text"] == code
