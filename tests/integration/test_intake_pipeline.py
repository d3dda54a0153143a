"""The normaliser as a process on the real broker, registry and database."""

import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psutil
import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition

from baton.sandbox import Sandbox
from baton.stack.addresses import Addresses
from runtime.attempts import MAX_ATTEMPTS
from runtime.document_store import DocumentStore, make_document_store
from runtime.kafka import Publisher, consumer_config, make_publisher
from runtime.registry import RegistrySchemaIds, make_registry_client
from runtime.settings import Environment, ServiceSettings
from schemas.codec import Codec
from schemas.events import IntakeSubmitted, ReferralReceived
from schemas.ids import named_id
from schemas.vocabulary import Channel, MissingItem
from services.intake.extraction.reader_pool import DEFAULT_COMMAND
from tests.samples.catalogue import JANE
from tests.samples.writers import letter_mail, portal
from tests.support.intake import RECEIVED_AT, sample_messages
from tests.support.waiting import eventually

PARTITIONS = 2
FORMS = 41


class Intake:
    """What is put in front of the normaliser and what comes out behind it."""

    def __init__(self, sandbox: Sandbox, codec: Codec) -> None:
        self.sandbox = sandbox
        self.documents: DocumentStore = make_document_store(str(sandbox.documents))
        self._codec = codec
        self._publisher: Publisher = make_publisher(sandbox.settings, self._codec, source="test")
        self._consumer = Consumer(consumer_config(sandbox.settings, service="test-reader"))
        # no member of a group: closing one that has never polled its first assignment can wait for ever
        topic = sandbox.prefix + ReferralReceived.schema_name
        self._consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
        self.received: list[ReferralReceived] = []

    def submit(self, *submissions: IntakeSubmitted) -> None:
        self._publisher.publish_all(submissions, RECEIVED_AT)

    def accepted(self, data: bytes, name: str, *, channel: Channel = Channel.MAIL, kind: str = "") -> IntakeSubmitted:
        submission_id = named_id("test", name)
        return IntakeSubmitted(
            event_id=submission_id,
            submission_id=submission_id,
            network_id="riverside",
            clinic_id="harbor",
            channel=channel,
            source="office@elmstreet.example",
            source_message_id=name,
            received_at=RECEIVED_AT,
            accepted_at=RECEIVED_AT + timedelta(seconds=1),
            content_digest=self.documents.put(data),
            content_type=kind or "message/rfc822",
            content_size=len(data),
        )

    def referrals_of(self, submissions: list[IntakeSubmitted], *, within_s: float = 30.0) -> list[ReferralReceived]:
        """Return the first referral of each submission, in the submissions' order."""
        wanted = [submission.submission_id for submission in submissions]

        def look() -> list[ReferralReceived] | None:
            for message in self._consumer.consume(500, 0.1):
                assert message.error() is None
                self.received.append(self._codec.decode(ReferralReceived, message.value()))
            found = {referral.submission_id: referral for referral in reversed(self.received)}
            return [found[i] for i in wanted] if found.keys() >= set(wanted) else None

        return eventually(look, within_s=within_s, what=f"{len(wanted)} referrals")

    def close(self) -> None:
        self._consumer.close()


@pytest.fixture
def intake(stack: Addresses, tmp_path: Path) -> Iterator[Intake]:
    infrastructure = ServiceSettings(
        kafka_bootstrap_servers=stack.kafka_bootstrap_servers,
        schema_registry_url=stack.schema_registry_url,
        database_url=stack.database_url,
        baton_environment=Environment.TEST,
    )
    with (
        make_registry_client(infrastructure) as registry,
        Sandbox(infrastructure, tmp_path, partitions=PARTITIONS) as sandbox,
    ):
        intake = Intake(sandbox, Codec(RegistrySchemaIds(registry), topic_prefix=sandbox.prefix))
        yield intake
        intake.close()


def _sample_submissions(intake: Intake) -> list[IntakeSubmitted]:
    return [
        intake.accepted(sample.data, sample.name, channel=sample.channel, kind=sample.content_type)
        for sample in sample_messages()
    ]


def test_every_sample_becomes_one_referral_and_a_kill_in_between_changes_nothing(intake: Intake) -> None:
    submissions = _sample_submissions(intake)
    half = len(submissions) // 2
    intake.submit(*submissions[:half])
    intake.sandbox.start("intake", extra={"FAILPOINT": "intake.after_produce"})
    eventually(lambda: intake.sandbox.process("intake").poll() is not None, what="the failpoint")
    intake.submit(*submissions[half:])

    intake.sandbox.start("intake")
    referrals = intake.referrals_of(submissions)

    expected = [sample.expected["missing_items"] for sample in sample_messages()]
    assert [list(referral.missing_items) for referral in referrals] == expected
    assert len(intake.received) == len(submissions)


def test_the_same_submission_later_gives_the_same_event_again(intake: Intake) -> None:
    submission = intake.accepted(portal(JANE, "1"), "form", channel=Channel.PORTAL, kind="application/json")
    intake.sandbox.start("intake")
    intake.submit(submission)
    intake.referrals_of([submission])
    intake.sandbox.stop("intake")
    intake.sandbox.start("intake")

    intake.submit(submission)
    eventually(lambda: intake.referrals_of([submission]) and len(intake.received) == 2, what="the second event")

    assert intake.received[0] == intake.received[1]


def test_a_submission_whose_bytes_are_missing_is_quarantined_and_the_others_go_on(intake: Intake) -> None:
    good = intake.accepted(letter_mail("x", JANE), "good")
    lost = good.model_copy(update={"event_id": "lost", "submission_id": "lost", "content_digest": "f" * 64})
    intake.sandbox.start("intake")

    intake.submit(lost, good)

    (referral,) = intake.referrals_of([good])
    assert referral.last_name == "Roe"
    with psycopg.connect(intake.sandbox.database_url) as connection:
        rows = eventually(
            lambda: connection.execute("SELECT event_id, reason, state FROM intake.quarantine").fetchall() or None
        )
    assert rows == [("lost", "document_missing", "quarantined")]


@dataclass
class Kept:
    """A normaliser that is started again whenever it has ended."""

    sandbox: Sandbox
    starts: int = 0
    process: subprocess.Popen[bytes] | None = None

    def look(self) -> int:
        """Return how often it was started."""
        if self.process is None or self.process.poll() is not None:
            self.process = self.sandbox.launch("intake", {"PATIENCE_S": "3"})
            self.starts += 1
        return self.starts

    def kill(self) -> None:
        """End it uncleanly."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()


def test_forms_that_come_while_the_document_store_is_away_become_referrals_when_it_is_back(
    intake: Intake, tmp_path: Path
) -> None:
    forms = [
        intake.accepted(portal(JANE, str(number)), f"form {number}", channel=Channel.PORTAL, kind="application/json")
        for number in range(FORMS)
    ]
    kept, away = Kept(intake.sandbox), tmp_path / "away"
    kept.look()
    intake.submit(forms[0])
    intake.referrals_of(forms[:1])
    # after an unclean end records are counted before they are read
    kept.kill()
    intake.sandbox.documents.rename(away)

    for form in forms[1:]:
        intake.submit(form)
    # more deaths than any record is allowed
    eventually(lambda: kept.look() > MAX_ATTEMPTS + 2, within_s=90, what="the process to give up again and again")
    away.rename(intake.sandbox.documents)
    kept.look()
    referrals = intake.referrals_of(forms)

    assert {referral.last_name for referral in referrals} == {"Roe"}
    with psycopg.connect(intake.sandbox.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM intake.quarantine").fetchall() == [(0,)]
    kept.kill()


def test_a_killed_reader_is_replaced_and_no_referral_is_lost(intake: Intake) -> None:
    intake.sandbox.start("intake")
    first = intake.accepted(letter_mail("a", JANE), "first")
    intake.submit(first)
    intake.referrals_of([first])
    service = psutil.Process(intake.sandbox.process("intake").pid)
    readers = [child for child in service.children() if DEFAULT_COMMAND[-1] in child.cmdline()]
    for reader in readers:
        reader.send_signal(signal.SIGKILL)

    second = intake.accepted(letter_mail("b", JANE), "second")
    intake.submit(second)

    (referral,) = intake.referrals_of([second])
    assert len(readers) == 2
    assert MissingItem.READABLE_DOCUMENT not in referral.missing_items


def test_no_reader_outlives_its_service(intake: Intake) -> None:
    intake.sandbox.start("intake")
    process = intake.sandbox.process("intake")
    readers = psutil.Process(process.pid).children()

    intake.sandbox.stop("intake", number=signal.SIGKILL)

    assert readers
    _gone, alive = psutil.wait_procs(readers, timeout=10)
    assert alive == []
