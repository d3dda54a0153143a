"""The real normaliser of a sandbox: what is put in front of it and what comes out behind it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
from confluent_kafka import Consumer, TopicPartition

from baton.sandbox import Sandbox
from baton.stack.addresses import Addresses
from runtime.document_store import DocumentStore, make_document_store
from runtime.kafka import Publisher, consumer_config, make_publisher
from runtime.registry import RegistrySchemaIds, make_registry_client
from runtime.settings import Environment, ServiceSettings
from schemas.codec import Codec
from schemas.events import IntakeSubmitted, ReferralReceived
from schemas.ids import named_id
from schemas.vocabulary import Channel
from tests.support.intake import RECEIVED_AT
from tests.support.waiting import PATIENCE_S, eventually

PARTITIONS = 2


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

    def referrals_of(
        self, submissions: list[IntakeSubmitted], *, within_s: float = PATIENCE_S
    ) -> list[ReferralReceived]:
        """Return the first referral of each submission, in the submissions' order."""
        return self.referrals_to([submission.submission_id for submission in submissions], within_s=within_s)

    def referrals_to(self, wanted: Sequence[str], *, within_s: float = PATIENCE_S) -> list[ReferralReceived]:
        """Return the first referral of each submission id, in the ids' order."""

        def look() -> list[ReferralReceived] | None:
            for message in self._consumer.consume(500, 0.1):
                assert message.error() is None
                self.received.append(self._codec.decode(ReferralReceived, message.value()))
            found = {referral.submission_id: referral for referral in reversed(self.received)}
            return [found[i] for i in wanted] if found.keys() >= set(wanted) else None

        return eventually(look, within_s=within_s, what=f"{len(wanted)} referrals")

    def quarantined(self) -> list[tuple[str, str, str]]:
        """Return event id, reason and state of all that the normaliser could not process."""
        with psycopg.connect(self.sandbox.database_url) as connection:
            rows = connection.execute("SELECT event_id, reason, state FROM intake.quarantine").fetchall()
        return [(str(event_id), str(reason), str(state)) for event_id, reason, state in rows]

    def close(self) -> None:
        self._consumer.close()


@contextmanager
def running_intake(stack: Addresses, folder: Path) -> Iterator[Intake]:
    """Make a sandbox around the normaliser; its processes are started by the test."""
    infrastructure = ServiceSettings(
        kafka_bootstrap_servers=stack.kafka_bootstrap_servers,
        schema_registry_url=stack.schema_registry_url,
        database_url=stack.database_url,
        baton_environment=Environment.TEST,
    )
    with (
        make_registry_client(infrastructure) as registry,
        Sandbox(infrastructure, folder, partitions=PARTITIONS) as sandbox,
    ):
        intake = Intake(sandbox, Codec(RegistrySchemaIds(registry), topic_prefix=sandbox.prefix))
        yield intake
        intake.close()
