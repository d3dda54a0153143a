"""The normaliser as a process on the real broker, registry and database."""

import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from baton.sandbox import Sandbox
from baton.stack.addresses import Addresses
from runtime.attempts import MAX_ATTEMPTS
from schemas.events import IntakeSubmitted
from schemas.vocabulary import Channel, MissingItem
from services.intake.extraction.reader_pool import DEFAULT_COMMAND
from tests.samples.catalogue import JANE
from tests.samples.writers import letter_mail, portal
from tests.support.intake import sample_messages
from tests.support.normaliser import Intake, running_intake
from tests.support.waiting import eventually

FORMS = 41


@pytest.fixture
def intake(stack: Addresses, tmp_path: Path) -> Iterator[Intake]:
    with running_intake(stack, tmp_path) as running:
        yield running


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
    rows = eventually(intake.quarantined, what="the row in quarantine")
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
    eventually(lambda: kept.look() > MAX_ATTEMPTS + 2, what="the process to give up again and again")
    away.rename(intake.sandbox.documents)
    kept.look()
    referrals = intake.referrals_of(forms)

    assert {referral.last_name for referral in referrals} == {"Roe"}
    assert intake.quarantined() == []
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
    _gone, alive = psutil.wait_procs(readers, timeout=120)
    assert alive == []
