from datetime import UTC, datetime, timedelta

from baton.stack.addresses import Addresses
from baton.stack.news import News, troubles
from baton.stack.state import LastEnd, PartRecord, PartState, Phase, StackRecord

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KILLED = LastEnd(at=NOON, code=-9, reason="it ended with signal SIGKILL", log="/home/logs/[old]/kafka.log")


def stack(
    state: PartState,
    *,
    restarts: int = 0,
    last_end: LastEnd | None = None,
    answer: str = "",
    phase: Phase = Phase.STARTING,
) -> StackRecord:
    part = PartRecord(
        name="kafka",
        slot=0,
        state=state,
        pid=1,
        restarts=restarts,
        starting_since=NOON,
        answer=answer,
        last_end=last_end,
    )
    addresses = Addresses(kafka_bootstrap_servers="", schema_registry_url="", database_url="")
    return StackRecord(phase=phase, supervisor_pid=1, addresses=addresses, parts=(part,))


def test_what_is_waited_for_is_told_with_its_answer_now_and_then() -> None:
    news = News()
    starting = stack(PartState.STARTING, answer="it does not answer")

    lines = [list(news.of(starting, NOON + timedelta(seconds=seconds))) for seconds in (0, 9, 11, 12, 21)]

    assert lines[0] == ["starting the broker, the registry and the database"]
    assert [len(told) for told in lines[1:]] == [0, 1, 0, 1]
    assert "still waiting for kafka, 11 s: it does not answer" in lines[2][0]


def test_what_died_why_and_that_it_came_back_is_told_once_each() -> None:
    news = News()
    running = stack(PartState.RUNNING, phase=Phase.RUNNING)
    ended = stack(PartState.BACKING_OFF, restarts=1, last_end=KILLED, phase=Phase.RUNNING)
    back = stack(PartState.RUNNING, restarts=1, last_end=KILLED, phase=Phase.RUNNING)

    told = [line for record in (running, running, ended, ended, back, back) for line in news.of(record, NOON)]

    assert told == [
        "  [green]kafka[/green] is ready",
        "  [yellow]kafka[/yellow]: it ended with signal SIGKILL; it is started again",
        r"    log: /home/logs/\[old]/kafka.log",
        "  [green]kafka[/green] is ready again",
    ]


def test_process_in_trouble_has_a_line_and_a_healed_one_for_a_while() -> None:
    down = stack(PartState.BACKING_OFF, restarts=1, last_end=KILLED)
    back = stack(PartState.RUNNING, restarts=1, last_end=KILLED)
    local = f"{NOON.astimezone():%H:%M:%S}"

    assert list(troubles(down, NOON)) == ["kafka is backing off: it ended with signal SIGKILL"]
    assert list(troubles(back, NOON)) == [f"kafka came back; at {local} it ended with signal SIGKILL"]
    assert list(troubles(back, NOON + timedelta(hours=1))) == []
    assert list(troubles(stack(PartState.STARTING), NOON)) == []
