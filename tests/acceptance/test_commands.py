"""Illegal and stale commands are refused with the rule that refuses; the same command twice is one."""

import uuid
from random import Random

from baton.synthetic.messages import render
from baton.synthetic.orders import make_orders
from schemas.vocabulary import Channel
from tests.support.clinic import Clinic


def _arrive(clinic: Clinic, seed: int) -> str:
    message = render(next(make_orders(seed)), Channel.PORTAL, Random(1), clinic="harbor")
    referral_id = clinic.send(message)
    clinic.referral(referral_id)
    return referral_id


def test_illegal_move_is_refused_with_its_rule(clinic: Clinic) -> None:
    referral_id = _arrive(clinic, 8000)

    reply = clinic.command(referral_id, "ivy", action="move", to_stage="completed")

    assert reply.status_code == 409
    assert reply.json()["rule"]
    assert clinic.referral(referral_id)["stage"] == "intake_received"


def test_stale_command_is_refused_with_what_changed(clinic: Clinic) -> None:
    referral_id = _arrive(clinic, 8001)
    seen = clinic.referral(referral_id)["version"]
    assert clinic.command(referral_id, "ivy", action="move", to_stage="eligibility").status_code == 200

    reply = clinic.command(referral_id, "eli", action="claim", expected_version=seen)

    assert reply.status_code == 409
    assert "stale" in reply.json()["rule"]
    assert "stage_changed" in reply.text


def test_same_command_twice_is_one_change(clinic: Clinic) -> None:
    referral_id = _arrive(clinic, 8002)
    command_id = str(uuid.uuid4())

    first = clinic.command(referral_id, "ivy", command_id=command_id, action="move", to_stage="eligibility")
    again = clinic.command(referral_id, "ivy", command_id=command_id, action="move", to_stage="eligibility")

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["version"] == again.json()["version"]
    assert clinic.referral(referral_id)["version"] == first.json()["version"]


def test_move_by_the_wrong_role_is_refused(clinic: Clinic) -> None:
    referral_id = _arrive(clinic, 8003)

    reply = clinic.command(referral_id, "sam", action="move", to_stage="eligibility")

    assert reply.status_code == 409
    assert "role" in reply.json()["rule"]
