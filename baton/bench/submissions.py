"""Submissions for benchmarks: portal forms of ordinary size in a document store, and the events that point to them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from random import Random

from baton.synthetic.messages import Message, render
from baton.synthetic.orders import make_orders
from runtime.document_store import DocumentStore
from schemas.events import IntakeSubmitted
from schemas.ids import named_id
from schemas.vocabulary import Channel

CHUNK = 500


def make_forms(seed: int, count: int) -> Iterator[Message]:
    """Yield portal forms of different patients."""
    random = Random(seed)
    for order in islice(make_orders(seed), count):
        yield render(order, Channel.PORTAL, random, clinic="harbor")


def accept(documents: DocumentStore, forms: Sequence[Message], at: datetime) -> list[IntakeSubmitted]:
    """Store forms durably and return the events that a channel would publish for them."""
    digests = documents.put_all([form.content for form in forms])
    return [_submitted(form, digest, at) for form, digest in zip(forms, digests, strict=True)]


def _submitted(form: Message, digest: str, at: datetime) -> IntakeSubmitted:
    submission_id = named_id("bench", digest)
    return IntakeSubmitted(
        event_id=submission_id,
        submission_id=submission_id,
        network_id="riverside",
        clinic_id=form.clinic,
        channel=form.channel,
        source="bench",
        received_at=at,
        accepted_at=at,
        content_digest=digest,
        content_type=form.content_type,
        content_size=len(form.content),
    )
