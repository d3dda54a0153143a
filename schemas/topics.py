"""The one table of topics; creation, access lists, documentation and the flow picture are derived from it."""

from dataclasses import dataclass
from enum import StrEnum

from schemas.event import Event
from schemas.events import (
    IntakeSubmitted,
    NoticeRequested,
    PatientCorrected,
    ReferralChanged,
    ReferralCommanded,
    ReferralMatched,
    ReferralReceived,
    ReferralState,
    SlaSignalled,
)

#: three years: longer than a referral lives, so that an empty database can be filled again from the topics
KEPT_DAYS = 3 * 365
DEFAULT_PARTITIONS = 6


class TopicAccess(StrEnum):
    """Who may read a topic (R26)."""

    PUBLIC = "public"  #: subscribers; no PHI
    RESTRICTED = "restricted"  #: Baton's services only; PHI or free text


class Service(StrEnum):
    """The services of Baton and the parties outside it."""

    CHANNELS = "channels"
    INTAKE = "intake"
    MATCHER = "matcher"
    STAGER = "stager"
    SLA = "sla"
    SLA_FIRING = "sla-firing"
    SLA_WINDOWS = "sla-windows"
    BOARD = "board"
    COURIER = "courier"
    SCHEDULING = "scheduling systems"
    SUBSCRIBERS = "subscribers"


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One topic: what it carries, how it is kept, who writes and who reads it."""

    event: type[Event]
    key: str  #: the event field whose value is the record key
    access: TopicAccess
    producers: tuple[Service, ...]
    consumers: tuple[Service, ...]
    is_compacted: bool = False
    retention_days: int = KEPT_DAYS

    @property
    def name(self) -> str:
        """The topic's name without a deployment prefix."""
        return self.event.schema_name


TOPICS: tuple[Topic, ...] = (
    Topic(
        event=IntakeSubmitted,
        key="submission_id",
        access=TopicAccess.RESTRICTED,
        producers=(Service.CHANNELS,),
        consumers=(Service.INTAKE,),
    ),
    Topic(
        event=ReferralReceived,
        key="matching_key",
        access=TopicAccess.RESTRICTED,
        producers=(Service.INTAKE,),
        consumers=(Service.MATCHER,),
    ),
    Topic(
        event=PatientCorrected,
        key="matching_key",
        access=TopicAccess.RESTRICTED,
        producers=(Service.BOARD,),
        consumers=(Service.MATCHER,),
    ),
    Topic(
        event=ReferralMatched,
        key="referral_id",
        access=TopicAccess.RESTRICTED,
        producers=(Service.MATCHER,),
        consumers=(Service.STAGER,),
    ),
    Topic(
        event=ReferralCommanded,
        key="referral_id",
        access=TopicAccess.RESTRICTED,
        producers=(Service.BOARD, Service.SCHEDULING),
        consumers=(Service.STAGER,),
    ),
    Topic(
        event=ReferralChanged,
        key="referral_id",
        access=TopicAccess.PUBLIC,
        producers=(Service.STAGER,),
        consumers=(Service.SLA, Service.SUBSCRIBERS),
    ),
    Topic(
        event=ReferralState,
        key="referral_id",
        access=TopicAccess.PUBLIC,
        producers=(Service.STAGER,),
        consumers=(Service.SUBSCRIBERS,),
        is_compacted=True,
    ),
    Topic(
        event=SlaSignalled,
        key="referral_id",
        access=TopicAccess.PUBLIC,
        producers=(Service.SLA_FIRING,),
        consumers=(Service.STAGER, Service.SLA_WINDOWS),
    ),
    Topic(
        event=NoticeRequested,
        key="recipient_queue",
        access=TopicAccess.PUBLIC,
        producers=(Service.SLA_WINDOWS,),
        consumers=(Service.COURIER,),
    ),
)

BY_EVENT: dict[type[Event], Topic] = {topic.event: topic for topic in TOPICS}


def topic_of(event: type[Event]) -> Topic:
    """Return the topic that carries an event type."""
    return BY_EVENT[event]


def key_of(event: Event) -> str:
    """Return the record key of an event."""
    return str(getattr(event, BY_EVENT[type(event)].key))
