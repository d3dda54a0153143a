"""The Postgres half of the step on a real server: every record ends in one place, and repeats change nothing."""

from collections.abc import Callable, Iterator, Sequence

import psycopg
import pytest

from baton.stack.addresses import Addresses
from runtime.batch import Batch
from runtime.delivery import Delivery, RawRecord
from runtime.failures import FAILURES_IN_A_ROW, TooManyFailures
from runtime.inbox import Inbox, is_passed
from runtime.pipeline import Outputs, Rejected
from runtime.postgres import connect, end_predecessor
from schemas.events import ReferralCommanded
from tests.support.databases import empty_schema, temporary_database
from tests.support.relay import Relay
from tests.support.relay_tables import TOPIC, RelayTables, relay_settings
from tests.support.relay_world import command, prepare_tables


@pytest.fixture(scope="module")
def shared_url(stack: Addresses) -> Iterator[str]:
    with temporary_database(stack.database_url) as url:
        prepare_tables(url)
        yield url


@pytest.fixture
def database_url(shared_url: str) -> str:
    empty_schema(shared_url, "relay")
    return shared_url


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    with connect(relay_settings(database_url), role="relay") as opened:
        yield opened


@pytest.fixture
def relay(database_url: str, connection: psycopg.Connection) -> RelayTables:
    return RelayTables(database_url, connection)


def fates(batch: Batch) -> list[int]:
    return [len(batch.deliveries), len(batch.duplicates), len(batch.setbacks), len(batch.known)]


def test_a_batch_is_applied_in_order_and_its_outputs_are_kept(relay: RelayTables) -> None:
    batch = relay.apply(*(relay.raw(command(key, n)) for key, n in (("A", 1), ("B", 1), ("A", 2))))

    assert fates(batch) == [3, 0, 0, 0]
    assert relay.said(batch) == [("A", 1), ("B", 1), ("A", 2)]
    assert relay.rows("SELECT count(*) FROM relay.outbox") == [(3,)]


def test_a_repeat_says_the_same_bytes_in_the_order_of_consumption(relay: RelayTables) -> None:
    raws = [relay.raw(command("A", number)) for number in range(20)]
    first = relay.apply(*raws)

    repeated = relay.apply(*raws)

    assert fates(repeated) == [0, 20, 0, 0]
    assert list(repeated.outputs.items()) == list(first.outputs.items())


def test_what_is_known_to_be_on_the_topic_is_not_said_again(relay: RelayTables) -> None:
    raws = [relay.raw(command("A", number)) for number in range(3)]
    first = relay.apply(*raws)
    assert first.batch_id is not None

    repeated = relay.apply(*raws, relay.raw(command("A", 9)), published=[first.batch_id])

    assert fates(repeated) == [1, 3, 0, 0]
    assert relay.said(repeated) == [("A", 4)]


def test_the_same_event_twice_in_a_batch_is_one(relay: RelayTables) -> None:
    batch = relay.apply(*(relay.raw(command("A", number)) for number in (1, 1, 2, 1)))

    assert fates(batch) == [2, 2, 0, 0]
    assert relay.said(batch) == [("A", 1), ("A", 2)]


def test_a_step_that_was_taken_again_in_part_still_owes_the_rest(
    relay: RelayTables, connection: psycopg.Connection
) -> None:
    one, other = relay.raw(command("A", 1), partition=0), relay.raw(command("B", 1), partition=1)
    lost = relay.apply(one, other)
    inbox = Inbox("relay", "0")

    again = relay.apply(one)
    steps = inbox.unpublished_steps(connection)
    passed = [step for step, positions in steps.items() if is_passed(positions, {(TOPIC, 0): 1})]
    connection.rollback()
    rest = relay.apply(other, published=passed)

    assert passed == [again.batch_id]
    assert steps == {lost.batch_id: {(TOPIC, 0): 1, (TOPIC, 1): 1}, again.batch_id: {(TOPIC, 0): 1}}
    assert relay.said(rest) == [("B", 1)]


def test_nothing_of_a_step_remains_when_its_transaction_is_lost(
    relay: RelayTables, connection: psycopg.Connection
) -> None:
    raws = [relay.raw(command("A", 1)), relay.raw(b"no avro", key=b"B")]

    class Lost(Exception):
        pass

    with pytest.raises(Lost), connection.transaction():
        relay.apply(*raws)
        raise Lost
    batch = relay.apply(*raws)

    assert fates(batch) == [1, 0, 1, 0]
    assert relay.said(batch) == [("A", 1)]


def test_records_with_a_key_wait_behind_an_unreadable_one_and_those_before_it_do_not(relay: RelayTables) -> None:
    before, poison, behind = relay.raw(command("A", 1)), relay.raw(b"x", key=b"A"), relay.raw(command("A", 2))

    batch = relay.apply(before, poison, behind, relay.raw(command("B", 1)))
    later = relay.apply(relay.raw(command("A", 3)))

    assert relay.said(batch) == [("A", 1), ("B", 1)]
    assert [(s.reason, s.state) for s in batch.in_order()] == [
        ("not_wire_format", "quarantined"),
        ("behind_quarantined_record", "parked"),
    ]
    assert fates(later) == [0, 0, 1, 0]
    assert relay.rows("SELECT count(*) FROM relay.inbox") == [(2,)]


def test_records_without_a_key_wait_for_nobody(relay: RelayTables) -> None:
    poison = relay.raw(b"x", key=None)
    keyless = RawRecord(TOPIC, 0, 77, None, relay.codec.encode(command("A", 1)), (), poison.recorded_at)

    batch = relay.apply(poison, keyless)

    assert fates(batch) == [1, 0, 1, 0]


def test_rows_of_a_key_stand_in_the_order_of_consumption_whatever_they_failed_of(relay: RelayTables) -> None:
    fails, reads_not = relay.raw(command("A", 1, comment="fail")), relay.raw(b"x", key=b"A")
    parked = relay.raw(command("A", 2))

    relay.apply(fails, reads_not, parked)

    rows = relay.rows('SELECT "offset", state FROM relay.quarantine ORDER BY entry')
    assert rows == [(0, "quarantined"), (1, "quarantined"), (2, "parked")]


def test_a_poison_that_was_set_aside_is_not_read_again(relay: RelayTables) -> None:
    killer = relay.raw(command("A", 1, comment="kill"))
    relay.apply(killer, is_poison=True)

    redelivered = relay.apply(killer)

    assert fates(redelivered) == [0, 0, 0, 1]
    assert relay.rows("SELECT reason, state, attempts FROM relay.quarantine") == [
        ("killed_the_process", "quarantined", 1)
    ]


class Changeable(Relay):
    """A relay whose handling a test replaces."""

    act: Callable[[psycopg.Connection, Sequence[Delivery]], Outputs] | None = None

    def handle(self, connection: psycopg.Connection, batch: Sequence[Delivery]) -> Outputs:
        return super().handle(connection, batch) if self.act is None else self.act(connection, batch)


@pytest.fixture
def changeable(database_url: str, connection: psycopg.Connection) -> tuple[RelayTables, Changeable]:
    pipeline = Changeable(relay_settings(database_url))
    return RelayTables(database_url, connection, pipeline), pipeline


def test_outputs_of_an_event_that_nobody_gave_are_refused(changeable: tuple[RelayTables, Changeable]) -> None:
    relay, pipeline = changeable
    pipeline.act = lambda _connection, _batch: {"stray": ()}

    batch = relay.apply(relay.raw(command("A", 1)))

    assert [s.reason for s in batch.setbacks] == ["failed_in_service"]


def test_a_rejection_of_an_unknown_event_hurts_only_its_own_record(changeable: tuple[RelayTables, Changeable]) -> None:
    relay, pipeline = changeable

    def act(connection: psycopg.Connection, batch: Sequence[Delivery]) -> Outputs:
        if any(delivery.key == "B" for delivery in batch):
            raise Rejected("somebody-else", "not_today")
        return Relay.handle(pipeline, connection, batch)

    pipeline.act = act
    batch = relay.apply(relay.raw(command("A", 1)), relay.raw(command("B", 1)), relay.raw(command("C", 1)))

    assert relay.said(batch) == [("A", 1), ("C", 1)]
    assert [(s.raw.key, s.reason) for s in batch.setbacks] == [(b"B", "not_today")]


def test_a_failed_attempt_leaves_nothing_in_the_tables(changeable: tuple[RelayTables, Changeable]) -> None:
    relay, pipeline = changeable

    def act(connection: psycopg.Connection, batch: Sequence[Delivery]) -> Outputs:
        Relay.handle(pipeline, connection, batch)
        raise ValueError

    pipeline.act = act
    batch = relay.apply(relay.raw(command("A", 1)), relay.raw(command("B", 1)))

    assert fates(batch) == [0, 0, 2, 0]
    assert relay.rows("SELECT count(*) FROM relay.counter") == [(0,)]
    assert relay.rows("SELECT count(*) FROM relay.inbox") == [(0,)]


def failing(_connection: psycopg.Connection, _batch: Sequence[Delivery]) -> Outputs:
    raise KeyError


def commands_of(count: int, *, people: int, networks: int) -> list[ReferralCommanded]:
    """Return commands for as many referrals, by some people of some networks."""
    return [command(f"K{n}", 1, by=f"user-{n % people}", network=f"network-{n % networks}") for n in range(count)]


def test_when_record_after_record_fails_the_service_stops_and_keeps_its_place(
    changeable: tuple[RelayTables, Changeable],
) -> None:
    relay, pipeline = changeable
    pipeline.act = failing

    with pytest.raises(TooManyFailures):
        relay.apply(*map(relay.raw, commands_of(FAILURES_IN_A_ROW, people=5, networks=2)))

    assert relay.rows("SELECT count(*) FROM relay.quarantine") == [(0,)]


@pytest.mark.parametrize(("people", "networks"), [(1, 1), (50, 1), (2, 2)])
def test_what_few_people_or_one_clinic_send_never_stops_the_service(
    changeable: tuple[RelayTables, Changeable], people: int, networks: int
) -> None:
    relay, pipeline = changeable
    pipeline.act = failing
    sent = commands_of(4 * FAILURES_IN_A_ROW, people=people, networks=networks)

    batch = relay.apply(*map(relay.raw, sent))

    assert fates(batch) == [0, 0, len(sent), 0]
    assert relay.rows("SELECT reason, count(*) FROM relay.quarantine GROUP BY 1") == [("failed_in_service", len(sent))]


def test_failures_of_different_causes_are_not_added_up(changeable: tuple[RelayTables, Changeable]) -> None:
    relay, pipeline = changeable
    causes = [KeyError, ValueError, IndexError]

    def act(_connection: psycopg.Connection, batch: Sequence[Delivery]) -> Outputs:
        raise causes[batch[0].offset % len(causes)]

    pipeline.act = act
    batch = relay.apply(*map(relay.raw, commands_of(2 * FAILURES_IN_A_ROW, people=7, networks=2)))

    assert fates(batch) == [0, 0, 2 * FAILURES_IN_A_ROW, 0]


def test_refusals_by_a_rule_may_be_many(relay: RelayTables) -> None:
    batch = relay.apply(*(relay.raw(command(f"K{n}", 1, comment="reject")) for n in range(FAILURES_IN_A_ROW + 10)))

    assert fates(batch) == [0, 0, FAILURES_IN_A_ROW + 10, 0]


@pytest.mark.parametrize(
    ("statement", "is_record_to_blame"),
    [
        ("SELECT * FROM relay.no_such_table", False),
        ("SELECT * FROM pg_authid", False),
        ("SELECT pg_terminate_backend(pg_backend_pid())", False),
        ("SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)", False),
        ("SELECT 1 / 0", True),
        ("SELECT 'three'::integer", True),
        ("INSERT INTO relay.counter VALUES ('A', 1), ('A', 1)", True),
        ("INSERT INTO relay.counter SELECT string_agg(md5(n::text), ''), 1 FROM generate_series(1, 999) n", True),
        ("DO $$ BEGIN RAISE EXCEPTION 'no'; END $$", True),
    ],
)
def test_what_the_server_complains_of_is_told_from_what_a_record_brings(
    changeable: tuple[RelayTables, Changeable], statement: str, *, is_record_to_blame: bool
) -> None:
    relay, pipeline = changeable

    def act(connection: psycopg.Connection, _batch: Sequence[Delivery]) -> Outputs:
        connection.execute(statement.encode())
        return {}

    pipeline.act = act
    if is_record_to_blame:
        assert [s.reason for s in relay.apply(relay.raw(command("A", 1))).setbacks] == ["failed_in_service"]
    else:
        with pytest.raises(psycopg.Error):
            relay.apply(relay.raw(command("A", 1)))


def test_only_the_sessions_of_the_own_slot_are_ended(database_url: str, connection: psycopg.Connection) -> None:
    settings = relay_settings(database_url)
    other_slot = connect(settings.model_copy(update={"instance": "1"}), role="relay")
    successor = connect(settings, role="relay")

    end_predecessor(successor, settings, role="relay")

    assert other_slot.execute("SELECT 1").fetchone() == (1,)
    assert successor.execute("SELECT current_user").fetchone() == ("baton_relay",)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    for opened in (other_slot, successor):
        opened.close()
