"""Every submission becomes exactly one referral, with what it lacks."""

from collections.abc import Iterator
from copy import copy
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.pipeline import Rejected
from schemas.events import IntakeSubmitted, ReferralReceived
from schemas.vocabulary import Channel, MissingItem, Priority
from services.intake import referral as referral_module
from services.intake.extraction.field_names import FieldName
from services.intake.extraction.findings import FileRole, Finding, FoundFile, FoundText, Part
from services.intake.extraction.limits import LARGEST_IN_PROCESS
from services.intake.extraction.reader_pool import ReadResult
from services.intake.extraction.wire import ReadRequest
from services.intake.pipeline import IntakePipeline
from services.intake.rules.specialty import SPECIALTIES
from tests.samples.catalogue import JANE
from tests.samples.writers import letter_mail, portal
from tests.support.intake import (
    HereReaders,
    LogTable,
    MemoryDocuments,
    SampleMessage,
    referral_in,
    sample_messages,
    submitted,
)

SAMPLES = list(sample_messages())


@pytest.fixture
def documents() -> MemoryDocuments:
    return MemoryDocuments()


@pytest.fixture
def pipeline(documents: MemoryDocuments) -> Iterator[IntakePipeline]:
    pipeline = IntakePipeline(documents, HereReaders(), parallel_reads=2)
    yield pipeline
    pipeline.close()


def _identity(referral: ReferralReceived) -> dict[str, str | None] | None:
    identity = {
        "given_name": referral.given_name,
        "last_name": referral.last_name,
        "birth_date": referral.birth_date.isoformat() if referral.birth_date else None,
        "phone": referral.phone,
    }
    return identity if any(identity.values()) else None


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_each_sample_gives_its_patient_and_missing_items(
    pipeline: IntakePipeline, documents: MemoryDocuments, sample: SampleMessage
) -> None:
    delivery = submitted(documents, sample.data, channel=sample.channel, content_type=sample.content_type)

    referral = referral_in(pipeline, delivery)

    assert [item.value for item in referral.missing_items] == sample.expected["missing_items"]
    assert _identity(referral) == sample.expected["patient"]
    assert ReferralReceived.model_validate(referral.model_dump()) == referral


def test_a_batch_of_all_samples_gives_one_referral_each_in_order(
    pipeline: IntakePipeline, documents: MemoryDocuments
) -> None:
    batch = [
        submitted(documents, s.data, channel=s.channel, content_type=s.content_type, message_id=s.name) for s in SAMPLES
    ]

    outputs = pipeline.handle(None, batch)  # type: ignore[arg-type]  # used only for what could not be read

    assert list(outputs) == [delivery.event_id for delivery in batch]
    assert {len(events) for events in outputs.values()} == {1}


def test_the_same_submission_always_gives_the_same_event(pipeline: IntakePipeline, documents: MemoryDocuments) -> None:
    delivery = submitted(documents, letter_mail("x", JANE))

    first, again = referral_in(pipeline, delivery), referral_in(pipeline, delivery)

    assert first == again


def test_the_same_mail_sent_again_has_the_same_content_fingerprint_across_a_bucket_edge(
    pipeline: IntakePipeline, documents: MemoryDocuments
) -> None:
    mail = letter_mail("x", JANE)
    first = submitted(documents, mail, message_id="<1@x>")
    again = submitted(documents, mail, message_id="<2@x>", received_at=first.recorded_at + timedelta(hours=20))

    one, other = referral_in(pipeline, first), referral_in(pipeline, again)

    assert one.content_fingerprint is not None
    assert one.content_fingerprint == other.content_fingerprint
    assert one.fingerprint != other.fingerprint


def test_two_requests_for_one_patient_have_different_content_fingerprints(
    pipeline: IntakePipeline, documents: MemoryDocuments
) -> None:
    heart = submitted(documents, letter_mail("x", JANE), message_id="<1@x>")
    skin = submitted(
        documents, letter_mail("y", JANE.but(specialty="Dermatology", reason="Changing mole")), message_id="<2@x>"
    )

    fingerprints = {referral_in(pipeline, delivery).content_fingerprint for delivery in (heart, skin)}

    assert len(fingerprints) == 2


def test_a_message_without_identifiers_has_no_content_fingerprint(
    pipeline: IntakePipeline, documents: MemoryDocuments
) -> None:
    referral = referral_in(pipeline, submitted(documents, b"Subject: hello\r\n\r\nplease call me back\r\n"))

    assert referral.content_fingerprint is None
    assert referral.matching_key == referral.submission_id


def test_spellings_of_a_last_name_share_the_matching_key(pipeline: IntakePipeline, documents: MemoryDocuments) -> None:
    spellings = ["Schmidt", "SCHMIDT", "Schmitt"]
    keys = {
        referral_in(pipeline, submitted(documents, letter_mail("x", JANE.but(last=last)), message_id=last)).matching_key
        for last in spellings
    }

    assert len(keys) == 1


def test_only_words_of_the_list_leave_as_specialty(pipeline: IntakePipeline, documents: MemoryDocuments) -> None:
    letter = JANE.but(specialty="the doctor Jane saw in May", service="")
    referral = referral_in(pipeline, submitted(documents, letter_mail("x", letter)))

    assert referral.specialty is None
    assert MissingItem.SPECIALTY in referral.missing_items
    assert "the doctor Jane saw in May" in (referral.note or "")
    known = referral_in(pipeline, submitted(documents, letter_mail("x", JANE))).specialty
    assert known in SPECIALTIES


def test_attached_files_are_stored_and_pointed_at(pipeline: IntakePipeline, documents: MemoryDocuments) -> None:
    sample = next(s for s in SAMPLES if s.name.startswith("mail/attached_pdf"))
    referral = referral_in(pipeline, submitted(documents, sample.data))

    kinds = {document.kind: document for document in referral.documents}
    assert set(kinds) == {"message", "attachment"}
    assert documents.get(kinds["attachment"].content_digest).startswith(b"%PDF")
    assert kinds["attachment"].readable


def test_files_of_a_portal_form_are_read(pipeline: IntakePipeline, documents: MemoryDocuments) -> None:
    letter = (SAMPLES_BY_NAME["fax/complete.pdf#1"]).data
    digest = documents.put(letter)
    form = (
        b'{"fields": {"priority": "urgent"}, "attachments": [{"digest": "%s", "content_type": "application/pdf",'
        b' "size": %d, "file_name": "letter.pdf"}]}' % (digest.encode(), len(letter))
    )
    delivery = submitted(documents, form, channel=Channel.PORTAL, content_type="application/json")

    referral = referral_in(pipeline, delivery)

    assert (referral.given_name, referral.last_name) == ("Marco", "Bellini")
    assert referral.priority is Priority.URGENT
    assert [document.content_digest for document in referral.documents][1:] == [digest]
    assert referral.missing_items == ()


def test_bytes_that_are_not_in_the_store_are_quarantined(pipeline: IntakePipeline, documents: MemoryDocuments) -> None:
    delivery = submitted(documents, portal(JANE, "1"), channel=Channel.PORTAL)
    documents.by_digest.clear()

    with pytest.raises(Rejected) as rejected:
        referral_in(pipeline, delivery)

    assert (rejected.value.event_id, rejected.value.reason) == (delivery.event_id, "document_missing")


class SayingReaders:
    """Readers that say what a test wants them to."""

    def __init__(self, *findings: Finding) -> None:
        self._findings = findings

    def read(self, request: ReadRequest) -> ReadResult:
        del request
        return ReadResult(findings=list(map(copy, self._findings)))


WRITTEN = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["9" * 5_000, "١٢/٣٤", "\x00", "\ud800", "1/1/1", "0000-00-00", "²²/²²/²²", "|" * 300, "x" * 30_000]
    ),
)
SAID = st.one_of(
    st.builds(
        FoundText,
        part=st.sampled_from(Part),
        fields=st.dictionaries(st.sampled_from(FieldName), WRITTEN),
        note=WRITTEN,
        troubles=st.lists(st.sampled_from(MissingItem)).map(tuple),
        file_index=st.none() | st.integers(0, 200),
    ),
    st.builds(FoundFile, content_type=WRITTEN, role=st.sampled_from(FileRole), data=st.binary(max_size=5)),
    st.builds(FoundFile, content_type=WRITTEN, role=st.sampled_from(FileRole), digest=st.just("d" * 64)),
)


@settings(max_examples=200, deadline=None)
@given(said=st.lists(SAID, max_size=6), channel=st.sampled_from([Channel.MAIL, Channel.PORTAL, Channel.FAX]))
def test_whatever_a_reader_says_a_submission_becomes_a_referral(said: list[Finding], channel: Channel) -> None:
    documents = MemoryDocuments()
    pipeline = IntakePipeline(documents, SayingReaders(*said), parallel_reads=1)
    delivery = submitted(documents, b"x" * (LARGEST_IN_PROCESS + 1), channel=channel)

    outputs = pipeline.handle(LogTable(), [delivery])  # type: ignore[arg-type]  # all that is done with it
    pipeline.close()

    (referral,) = outputs[delivery.event_id]
    assert isinstance(referral, ReferralReceived)
    assert ReferralReceived.model_validate_json(referral.model_dump_json()) == referral


def test_facts_that_can_not_be_used_leave_a_referral_that_says_so(
    pipeline: IntakePipeline, documents: MemoryDocuments, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(written: str, **_: object) -> None:
        raise ValueError(written)

    monkeypatch.setattr(referral_module, "parse_birth_date", failing)

    referral = referral_in(pipeline, submitted(documents, letter_mail("x", JANE)))

    assert referral.last_name is None
    assert {MissingItem.PATIENT_NAME, MissingItem.READABLE_DOCUMENT} <= set(referral.missing_items)


@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize(
    "data",
    [b"", b"\x00" * 100, b"\xff\xfe\xfd" * 50, b"MSH|", b"[" * 5000, b"%PDF-1.4 nothing", b'{"patient": [{}, 1]}'],
    ids=["empty", "nul", "binary", "header", "brackets", "pdf", "odd"],
)
def test_no_bytes_on_any_channel_stop_a_referral(
    pipeline: IntakePipeline, documents: MemoryDocuments, channel: Channel, data: bytes
) -> None:
    referral = referral_in(pipeline, submitted(documents, data, channel=channel, content_type=""))

    assert MissingItem.PATIENT_NAME in referral.missing_items


def test_a_submission_event_is_all_that_is_consumed(pipeline: IntakePipeline) -> None:
    assert pipeline.consumes == (IntakeSubmitted,)
    assert not pipeline.keeps_inbox


SAMPLES_BY_NAME = {sample.name: sample for sample in SAMPLES}
