"""The reference story (R3): every wait is shown while it happens, on whom and for how long."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from baton.sandbox import Sandbox
from baton.synthetic.messages import Message, render
from baton.synthetic.orders import make_orders
from runtime.settings import ServiceSettings
from schemas.vocabulary import Channel
from tests.acceptance.conftest import EVERYTHING
from tests.support.clinic import Clinic
from tests.support.waiting import eventually

HERE = ZoneInfo("America/New_York")
FRIDAY = datetime(2026, 1, 9, 15, 40, tzinfo=HERE)
SUNDAY = datetime(2026, 1, 11, 12, 0, tzinfo=HERE)
MONDAY = datetime(2026, 1, 12, 9, 5, tzinfo=HERE)
TUESDAY = datetime(2026, 1, 13, 10, 0, tzinfo=HERE)
THURSDAY = datetime(2026, 1, 15, 11, 0, tzinfo=HERE)
NEXT_FRIDAY = datetime(2026, 1, 16, 9, 30, tzinfo=HERE)
BEFORE_MIDNIGHT = datetime(2026, 1, 20, 23, 59, 59, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("story")


@pytest.fixture(scope="module")
def story(infrastructure: ServiceSettings, folder: Path) -> Iterator[Clinic]:
    _set(folder, FRIDAY)
    settings = {"CLOCK": f"file:{folder / 'clock'}", "SLA_POLICY": "standard"}
    with Sandbox(infrastructure, folder / "services", settings=settings) as sandbox:
        sandbox.start(*EVERYTHING)
        with Clinic(sandbox) as clinic:
            yield clinic


def _set(folder: Path, instant: datetime) -> None:
    fresh = folder / "clock.new"
    fresh.write_text(instant.astimezone(UTC).isoformat())
    fresh.rename(folder / "clock")


def _fax() -> Message:
    # urgent ones are due before a reminder would make sense
    order = next(order for order in make_orders(3000) if order.priority == "routine")
    return render(replace(order, written_at=FRIDAY), Channel.FAX, Random(1), clinic="harbor")


def _stay(clinic: Clinic, referral_id: str) -> Any:
    stay = clinic.timeline(referral_id)["stays"][-1]
    assert stay["is_current"]
    return stay


def _kinds(clinic: Clinic, referral_id: str) -> list[str]:
    return [row["kind"] for row in clinic.timeline(referral_id)["history"]]


@pytest.mark.timeout(180)
def test_reference_story_shows_every_wait_while_it_happens(story: Clinic, folder: Path) -> None:
    referral_id = story.send(_fax())
    arrived = story.referral(referral_id)
    assert (arrived["stage"], arrived["owner_queue"]) == ("intake_received", "riverside.harbor.intake")
    assert datetime.fromisoformat(arrived["received_at"]) == FRIDAY
    assert datetime.fromisoformat(arrived["due_at"]) > FRIDAY

    _set(folder, SUNDAY)
    eventually(lambda: "breached" in _kinds(story, referral_id), what="the breach of intake")
    waiting = _stay(story, referral_id)
    assert (waiting["waiting_on"], waiting["is_breached"]) == ("clinic", True)
    assert timedelta(seconds=waiting["waited_s"]) == SUNDAY - FRIDAY
    assert _kinds(story, referral_id).count("reminded") == 1

    _set(folder, MONDAY)
    assert story.command(referral_id, "ivy", action="move", to_stage="eligibility").status_code == 200
    assert story.referral(referral_id)["owner_queue"] == "riverside.harbor.eligibility"

    _set(folder, TUESDAY)
    assert timedelta(seconds=_stay(story, referral_id)["waited_s"]) == TUESDAY - MONDAY
    assert story.command(referral_id, "eli", action="move", to_stage="documentation").status_code == 200

    _set(folder, THURSDAY)
    assert timedelta(seconds=_stay(story, referral_id)["waited_s"]) == THURSDAY - TUESDAY
    asked = story.command(
        referral_id, "dora", action="move", to_stage="waiting_on_referring_office", reason_code="documents_missing"
    )
    assert asked.status_code == 200, asked.text
    paused = story.referral(referral_id)
    assert (paused["waiting_on"], paused["clock"], paused["reason_code"]) == (
        "referring_office",
        "paused",
        "documents_missing",
    )

    _set(folder, NEXT_FRIDAY)
    called = story.command(referral_id, "dora", action="record_attempt", outcome="no_answer")
    assert called.status_code == 200, called.text
    unreachable = story.command(
        referral_id, "dora", action="move", to_stage="patient_unreachable", reason_code="no_answer"
    )
    assert unreachable.status_code == 200, unreachable.text

    timeline = story.timeline(referral_id)
    waits = {stay["stage"]: timedelta(seconds=stay["waited_s"]) for stay in timeline["stays"]}
    assert waits["intake_received"] == MONDAY - FRIDAY
    assert waits["eligibility"] == TUESDAY - MONDAY
    assert waits["documentation"] == THURSDAY - TUESDAY
    assert waits["waiting_on_referring_office"] == NEXT_FRIDAY - THURSDAY
    assert timeline["stays"][-1]["waiting_on"] == "patient"
    assert "attempt_recorded" in _kinds(story, referral_id)


@pytest.mark.parametrize("channel", [Channel.MAIL, Channel.FAX, Channel.HL7])
def test_same_message_on_either_side_of_midnight_is_one_referral(story: Clinic, folder: Path, channel: Channel) -> None:
    order = next(make_orders(3100 + list(Channel).index(channel)))
    message = render(order, channel, Random(1), clinic="hill")
    last = next(make_orders(3200 + list(Channel).index(channel)))

    ids = []
    for instant in (BEFORE_MIDNIGHT, BEFORE_MIDNIGHT + timedelta(seconds=2), BEFORE_MIDNIGHT + timedelta(days=1)):
        _set(folder, instant)
        ids.append(story.send(message))
    afterwards = story.send(render(last, channel, Random(1), clinic="hill"))

    story.referral(afterwards)
    assert len(set(ids)) == 1
    assert len(story.search(order.person.mrn)) == 1
