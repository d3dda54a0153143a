"""The commands of the terminal against a board that listens on a real port."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from baton.stack.addresses import Addresses
from schemas.events import PatientCorrected, ReferralCommanded
from services.board.store.session import open_pool
from tests.support.board import AnsweringBroker, board_settings, desk_over, migrated_database, served
from tests.support.network_rows import RECEIVED, NetworkRows, SyntheticPatient, SyntheticReferral

NOW = RECEIVED + timedelta(hours=5)


@dataclass
class Terminal:
    """A terminal in front of a running board."""

    board_url: str
    broker: AnsweringBroker
    referral_id: str

    def baton(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the command with these words."""
        return subprocess.run(
            [sys.executable, "-m", "baton", *words],
            env={**os.environ, "BOARD_URL": self.board_url, "DATABASE_URL": self.broker.database_url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(scope="module")
def running(stack: Addresses) -> Iterator[Terminal]:
    with migrated_database(stack.database_url, "terminal") as url:
        with psycopg.connect(url) as connection:
            rows = NetworkRows(connection)
            rows.add_directory()
            rows.add_patient(SyntheticPatient("p-mara", "Mara", "Sentinel"))
            referral_id = rows.add_referral(SyntheticReferral(number=1, patient_id="p-mara"))
        pool = open_pool(board_settings(url))
        broker = AnsweringBroker(url)
        try:
            with served(desk_over(pool, broker, NOW)) as board_url:
                yield Terminal(board_url, broker, referral_id)
        finally:
            pool.close()


@pytest.fixture
def terminal(running: Terminal) -> Terminal:
    running.broker.events.clear()
    running.broker.outcome = ("applied", None)
    return running


def test_status_answers_within_a_second(terminal: Terminal) -> None:
    times = []
    for _ in range(3):
        started = time.monotonic()
        answer = terminal.baton("status", "Sentinel, Mara", "--json")
        times.append(time.monotonic() - started)

    assert answer.returncode == 0, answer.stderr
    document = json.loads(answer.stdout)
    assert document["query"] == "Sentinel, Mara"
    (referral,) = document["referrals"]
    assert referral["referral_id"] == terminal.referral_id
    assert referral["owner_queue"] == "riverside.harbor.intake"
    assert referral["last_event"]["kind"] == "opened"
    assert min(times) < 1.0


@pytest.mark.parametrize("query", ["1984-03-09", "617-555-0142", "mara sentinel"])
def test_status_is_readable_too(terminal: Terminal, query: str) -> None:
    answer = terminal.baton("status", query)

    assert answer.returncode == 0, answer.stderr
    assert terminal.referral_id in answer.stdout
    assert "riverside.harbor.intake" in answer.stdout


def test_status_of_nobody_says_so(terminal: Terminal) -> None:
    plain = terminal.baton("status", "Nobody Here")
    as_json = terminal.baton("status", "Nobody Here", "--json")

    assert (plain.returncode, as_json.returncode) == (1, 1)
    assert "no referral found" in plain.stderr
    assert json.loads(as_json.stdout)["referrals"] == []


def test_status_as_an_unknown_person_is_refused(terminal: Terminal) -> None:
    answer = terminal.baton("status", "Sentinel", "--as", "mallory")

    assert answer.returncode == 1
    assert "mallory" in answer.stderr


def test_timeline_tells_the_waits(terminal: Terminal) -> None:
    document = json.loads(terminal.baton("timeline", terminal.referral_id.lower(), "--json").stdout)
    text = terminal.baton("timeline", terminal.referral_id).stdout

    assert document["waited_s_by_party"] == {"clinic": 5 * 3600}
    assert "5 h 0 min on clinic" in text


def test_timeline_of_an_unknown_referral_is_refused(terminal: Terminal) -> None:
    answer = terminal.baton("timeline", "0000-0000-0000")

    assert (answer.returncode, "no referral found" in answer.stderr) == (1, True)


def test_a_move_is_made_against_the_version_that_was_read(terminal: Terminal) -> None:
    answer = terminal.baton("command", terminal.referral_id, "move", "--to", "Eligibility", "--as", "ivy")

    assert answer.returncode == 0, answer.stderr
    assert "applied: version 1" in answer.stdout
    (event,) = terminal.broker.events
    assert isinstance(event, ReferralCommanded)
    assert (event.to_stage, event.expected_version, event.by_user) == ("eligibility", 1, "ivy")


def test_the_same_command_id_twice_is_one_command(terminal: Terminal) -> None:
    command_id = "7d0b1f57-0c2f-5f0c-9b0a-222222222222"
    words = ("command", terminal.referral_id, "claim", "--as", "ivy", "--command-id", command_id, "--json")

    first, second = terminal.baton(*words), terminal.baton(*words)

    assert json.loads(first.stdout) == json.loads(second.stdout)
    assert len(terminal.broker.events) == 1


def test_a_refused_command_ends_with_the_rule(terminal: Terminal) -> None:
    terminal.broker.outcome = ("refused", "stale_version")

    answer = terminal.baton("command", terminal.referral_id, "claim", "--as", "ivy", "--json")

    assert answer.returncode == 1
    assert "stale_version: it was changed meanwhile" in answer.stderr
    assert json.loads(answer.stdout)["rule"] == "stale_version"


def test_a_command_without_an_answer_is_not_called_done(terminal: Terminal) -> None:
    terminal.broker.outcome = None

    answer = terminal.baton("command", terminal.referral_id, "claim", "--as", "ivy", "--wait", "0.2")

    assert answer.returncode == 1
    assert "no answer yet" in answer.stderr


@pytest.mark.parametrize("words", [("move",), ("close",), ("dance",), ("complete", "--type", "No such task"), ()])
def test_a_wrong_command_line_is_wrong_usage(terminal: Terminal, words: tuple[str, ...]) -> None:
    answer = terminal.baton("command", terminal.referral_id, *words, "--as", "ivy")

    assert answer.returncode == 2
    assert terminal.broker.events == []


def test_a_correction_reaches_the_patient_of_the_referral(terminal: Terminal) -> None:
    words = ("correct", "--birth-date", "1984-09-03", "--phone", "617 555 0177", "--wait", "0.1")

    answer = terminal.baton("command", terminal.referral_id, *words, "--as", "ivy")

    assert "no answer yet" in answer.stderr
    (event,) = terminal.broker.events
    assert isinstance(event, PatientCorrected)
    assert (event.patient_id, event.phone, event.referral_id) == ("p-mara", "+16175550177", terminal.referral_id)


def test_a_board_that_is_away_is_told_in_one_line(terminal: Terminal) -> None:
    away = Terminal("http://127.0.0.1:9", terminal.broker, terminal.referral_id)

    answer = away.baton("status", "Sentinel")

    assert answer.returncode == 1
    assert answer.stderr == "baton: the board at 127.0.0.1:9 does not answer\n"


def test_the_audit_of_these_reads_is_whole_until_somebody_changes_it(terminal: Terminal) -> None:
    terminal.baton("status", terminal.referral_id)

    whole = terminal.baton("audit", "verify", "--json")
    _tamper(terminal.broker.database_url)
    broken = terminal.baton("audit", "verify", "--json")

    assert (whole.returncode, broken.returncode) == (0, 1)
    assert json.loads(whole.stdout)["is_whole"] is True
    assert json.loads(broken.stdout)["chains"][0]["broken_at"] == 1
    assert "broken: board-0" in broken.stderr


def _tamper(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE audit.entry DISABLE TRIGGER append_only")
        connection.execute("UPDATE audit.entry SET actor = 'somebody else' WHERE position = 1")
        connection.execute("ALTER TABLE audit.entry ENABLE TRIGGER append_only")


def test_a_directory_is_loaded_twice_with_the_same_result(terminal: Terminal, tmp_path: Path) -> None:
    first, second = terminal.baton("directory", "load"), terminal.baton("directory", "load")

    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert first.stdout == second.stdout == "1 networks, 8 people\n"
    with psycopg.connect(terminal.broker.database_url) as connection:
        rows = connection.execute("SELECT role, teams FROM directory.staff WHERE user_id = 'dora'").fetchall()
    assert rows == [("intake", ["documentation"])]


def test_a_broken_directory_changes_nothing(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_text('[[networks]]\nnetwork_id = "x.y"\nname = "Broken"\nclinics = []\n')

    answer = terminal.baton("directory", "load", str(file))

    assert answer.returncode == 1
    assert "network_id" in answer.stderr
