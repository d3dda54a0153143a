"""An id that its sender uses again: other content is another referral, the very same content is the same one."""

import json
from collections.abc import Callable
from random import Random

import pytest

from runtime.delivery import Delivery
from schemas.events import ReferralReceived
from schemas.vocabulary import Channel
from services.intake.channels.arrival import Arrival
from services.intake.channels.arrivals import Handed, arrivals_of
from services.intake.pipeline import IntakePipeline
from tests.samples import writers
from tests.samples.catalogue import JANE
from tests.samples.letters import Letter
from tests.support.channels import NOW, SENDER
from tests.support.intake import HereReaders, LogTable, MemoryDocuments

Writer = Callable[[str, Letter], tuple[Channel, str, bytes]]
SEEDS = range(40)
#: what of a request may be all that differs, or all that is told
CHANGES: tuple[dict[str, str], ...] = (
    {"specialty": "Dermatology"},
    {"specialty": "Foot care"},
    {"reason": "Changing mole"},
    {"provider": "Dr. Ada Quill"},
    {"given": "Ruth"},
    {"phone": "(617) 555-0187"},
    {"priority": "urgent"},
)
LEFT_OUT: tuple[dict[str, object], ...] = (
    {},
    {"born": None, "phone": ""},
    {"born": None, "phone": "", "given": ""},
    {"specialty": "", "service": "", "reason": "", "code": ""},
    {"specialty": "Chiropody", "service": "", "code": ""},
)


def _call(number: str, letter: Letter) -> tuple[Channel, str, bytes]:
    return (
        Channel.CALLCENTRE,
        "text/csv",
        writers.table(writers.CALL_COLUMNS, [writers.call_row(number, letter)]).encode(),
    )


def _back_fill(number: str, letter: Letter) -> tuple[Channel, str, bytes]:
    columns = ("id", *writers.CALL_COLUMNS[1:])
    return Channel.CSV, "text/csv", writers.table(columns, [writers.call_row(number, letter)]).encode()


def _transcript(number: str, letter: Letter) -> tuple[Channel, str, bytes]:
    row = (number, "2026-01-05T09:10:00-05:00", "+16175550142", "31", ". ".join(letter.lines()))
    return Channel.VOICEMAIL, "text/csv", writers.table(writers.VOICEMAIL_COLUMNS, [row]).encode()


def _mail(number: str, letter: Letter) -> tuple[Channel, str, bytes]:
    return Channel.MAIL, "message/rfc822", writers.letter_mail(number, letter)


def _message(number: str, letter: Letter) -> tuple[Channel, str, bytes]:
    return (
        Channel.HL7,
        "application/hl7-v2",
        writers.hl7(letter, "order").replace("|order|P|", f"|{number}|P|").encode(),
    )


def _bundle(number: str, letter: Letter) -> tuple[Channel, str, bytes]:
    resources = (
        writers.fhir_request(letter, "order"),
        writers.fhir_patient(letter),
        writers.fhir_practitioner(letter),
    )
    bundle = json.loads(writers.fhir_bundle(*resources))
    return Channel.FHIR, "application/fhir+json", json.dumps(bundle | {"identifier": {"value": number}}).encode()


def _form(number: str, letter: Letter) -> tuple[Channel, str, bytes]:
    del number
    return Channel.PORTAL, "application/json", writers.portal(letter, "order")


WRITERS: tuple[Writer, ...] = (_call, _back_fill, _transcript, _mail, _message, _bundle, _form)


def _arrival(writer: Writer, letter: Letter) -> Arrival:
    channel, kind, content = writer("4711", letter)
    (arrival,) = arrivals_of(
        Handed(channel=channel, content=content, content_type=kind, message_id="4711"), SENDER, now=NOW
    )
    assert arrival.source_message_id is not None
    assert "4711" in arrival.source_message_id
    return arrival


def _referrals(*arrivals: Arrival) -> list[ReferralReceived]:
    documents = MemoryDocuments()
    pipeline = IntakePipeline(documents, HereReaders(), parallel_reads=1)
    events = [arrival.submitted(documents.put(arrival.content), NOW) for arrival in arrivals]
    batch = [Delivery(e, e.event_id, e.schema_name, 0, n, e.event_id, NOW, None) for n, e in enumerate(events)]
    outputs = pipeline.handle(LogTable(), batch)  # type: ignore[arg-type]  # all that is done with it
    pipeline.close()
    return [referral for (referral,) in outputs.values() if isinstance(referral, ReferralReceived)]


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.__name__.strip("_"))
@pytest.mark.parametrize("seed", SEEDS)
def test_other_content_under_one_id_never_vanishes(writer: Writer, seed: int) -> None:
    random = Random(seed)
    letter = JANE.but(**random.choice(LEFT_OUT))
    changed = (letter.but(**change) for change in random.sample(CHANGES, len(CHANGES)))
    # a channel that can not tell of a change tells of the next one
    other = next(one for one in changed if writer("4711", one) != writer("4711", letter))

    one, two = _referrals(_arrival(writer, letter), _arrival(writer, other))

    assert one.submission_id != two.submission_id
    assert one.fingerprint != two.fingerprint
    assert one.content_fingerprint is None or one.content_fingerprint != two.content_fingerprint


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.__name__.strip("_"))
@pytest.mark.parametrize("left_out", LEFT_OUT, ids=str)
def test_the_very_same_content_under_one_id_is_the_same_submission(writer: Writer, left_out: dict[str, object]) -> None:
    letter = JANE.but(**left_out)

    one, again = _arrival(writer, letter), _arrival(writer, letter)

    assert one.submission_id == again.submission_id
    assert _referrals(one) == _referrals(again)
