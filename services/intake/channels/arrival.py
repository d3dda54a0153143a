"""A message at the door: whose it is, which one it is, and what is kept of it."""

from dataclasses import dataclass, field
from datetime import datetime

from schemas.events import IntakeSubmitted
from schemas.ids import named_id
from schemas.vocabulary import Channel


@dataclass(frozen=True, slots=True)
class Sender:
    """Who hands in, as the channel knows it; never what a message says about itself."""

    network_id: str
    clinic_id: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One message that is about to be accepted."""

    sender: Sender
    channel: Channel
    content: bytes
    content_type: str
    received_at: datetime
    #: digest of what makes it this message, without what changes on the way
    substance: str
    source_message_id: str | None = None
    file_name: str | None = None
    #: bytes that `content` points at; kept before it
    attachments: tuple[bytes, ...] = field(default=())

    @property
    def submission_id(self) -> str:
        """The id of the submission; the same message again has the same one (docs/decisions/0031)."""
        sender = self.sender
        return named_id(
            "submission",
            sender.network_id,
            sender.clinic_id,
            self.channel,
            sender.source,
            self.source_message_id or "",
            self.substance,
        )

    def submitted(self, content_digest: str, accepted_at: datetime) -> IntakeSubmitted:
        """Return the event that says it was accepted."""
        submission_id = self.submission_id
        return IntakeSubmitted(
            event_id=submission_id,
            submission_id=submission_id,
            network_id=self.sender.network_id,
            clinic_id=self.sender.clinic_id,
            channel=self.channel,
            source=self.sender.source,
            source_message_id=self.source_message_id,
            received_at=self.received_at,
            accepted_at=accepted_at,
            content_digest=content_digest,
            content_type=self.content_type,
            content_size=len(self.content),
            file_name=self.file_name,
        )
