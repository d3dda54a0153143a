"""Write docs/stages.md from the stage table and the policies: `python -m services.stager.stage_docs docs/stages.md`."""

import sys
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from schemas.vocabulary import Priority, Role, Stage
from services.stager.data_files import POLICIES, load_policy, load_stage_table
from services.stager.rules.policy import SlaPolicy
from services.stager.rules.stage_table import ReasonCode, ReasonGroup, StageRule, StageTable, Transition

INTRODUCTION = """# Stages

Generated from `services/stager/rules/stage_table.v{version}.toml` and the SLA policies beside it; change those, then
run `python -m services.stager.stage_docs docs/stages.md`. The same table is in the database: `stager.stage`,
`stager.stage_transition`, `stager.reason_code`.

A referral is in one stage. Its team's queue owns it, a person may claim it, its clock runs or is paused with a reason,
and at least one task is open until it is completed or closed. Every refusal names the rule that refuses.
"""


def render() -> str:
    """Return the page."""
    table = load_stage_table()
    policies = [load_policy(name, table) for name in POLICIES]
    parts = (
        INTRODUCTION.format(version=table.version),
        _picture(table),
        _stages(table),
        _transitions(table),
        _reasons(table),
        _actions(table),
        *(_policy(table, policy) for policy in policies),
    )
    return "\n".join(parts)


def _picture(table: StageTable) -> str:
    drawn = [_arrow(move) for move in table.transitions.values() if _is_drawn(table, move)]
    interruptions = [
        f"    interrupted([any stage before scheduled]) <-.-> {stage}"
        for stage in table.stages
        if _is_interruption(table, stage)
    ]
    text = "Dotted: for a reason. Every open stage can also be closed, and most can be sent back, for a reason.\n"
    return "\n".join(["```mermaid", "flowchart LR", *drawn, *interruptions, "```", "", text])


def _arrow(move: Transition) -> str:
    return f"    {move.source} {'-->' if move.reasons is None else '-.->'} {move.target}"


def _is_drawn(table: StageTable, move: Transition) -> bool:
    # what is possible nearly everywhere would hide the rest
    is_everywhere = move.is_rework or move.target is table.closes_to
    return not is_everywhere and not any(_is_interruption(table, end) for end in (move.source, move.target))


def _is_interruption(table: StageTable, stage: Stage) -> bool:
    return table.is_exception(stage) and stage is not table.arrives_incomplete


def _stages(table: StageTable) -> str:
    rows = (
        (rule.title, rule.stage, rule.team, rule.waiting_on, rule.clock, _tasks(table, rule), rule.done)
        for rule in table.stages.values()
    )
    return _section("The stages", ("Stage", "Code", "Team", "Waits on", "Clock", "Tasks on entry", "Done when"), rows)


def _tasks(table: StageTable, rule: StageRule) -> str:
    usual = [table.tasks[name].type for name in rule.tasks]
    special = [f"{table.tasks[name].type} ({item} missing)" for item, name in rule.task_for_missing.items()]
    return "; ".join((*usual, *special))


def _transitions(table: StageTable) -> str:
    rows = (
        (move.source, move.target, _roles(move.roles), move.reasons or "", _conditions(move), _yes(move.is_rework))
        for move in table.transitions.values()
    )
    heading = ("From", "To", "Who may", "Reason of group", "Condition", "Rework")
    text = "An exception is left for the stage it interrupted or an earlier one; an earlier one counts as rework.\n"
    return _section("The moves", heading, rows, text)


def _conditions(move: Transition) -> str:
    needs = [f"needs {need}" for need in move.needs]
    waiver = [f"or a reason of {move.waived_by}"] if move.waived_by else []
    skips = [f"where the policy skips {move.skips}"] if move.skips else []
    return ", ".join((*needs, *waiver, *skips))


def _reasons(table: StageTable) -> str:
    rows = (
        (
            reason.group,
            reason.code,
            reason.text,
            _stage_list(reason),
            _users(reason),
            _dates(reason),
        )
        for group in ReasonGroup
        for reason in table.reasons.values()
        if reason.group is group
    )
    return _section("Reason codes", ("Group", "Code", "Meaning", "Used in", "Who may", "Comment, dates"), rows)


def _users(reason: ReasonCode) -> str:
    return _roles(reason.roles) or "who may move"


def _stage_list(reason: ReasonCode) -> str:
    return ", ".join(stage for stage in Stage if stage in reason.stages) or "any stage"


def _dates(reason: ReasonCode) -> str:
    comment = ["comment required"] if reason.needs_comment else []
    since = [f"from {reason.effective_from}"] if reason.effective_from else []
    until = [f"until {reason.effective_until}"] if reason.effective_until else []
    return ", ".join((*comment, *since, *until))


def _actions(table: StageTable) -> str:
    rows = (
        (action, "; ".join(sorted({_roles(roles) for roles in by_stage.values()})))
        for action, by_stage in table.actions.items()
    )
    text = "Completing a task is for the team of the task.\n"
    return _section("Other commands", ("Command", "Who may (by the stage's team, separated by semicolons)"), rows, text)


def _policy(table: StageTable, policy: SlaPolicy) -> str:
    label = " — for demonstrations only" if policy.is_demo else ""
    rows = (
        (rule.title, policy.clock_of(rule), *(_allowed(policy, rule, priority) for priority in Priority))
        for rule in table.stages.values()
        if rule.is_open
    )
    text = (
        f"One reminder {_duration(policy.reminder_lead)} before the due time where the stage has longer than that;"
        f" {_duration(policy.escalation)} for a supervisor after a breach. A paused stage is not due; its task is."
        f" No clinical review for: {', '.join(sorted(policy.skip_clinical_review))}.\n"
    )
    return _section(f"Policy {policy.label}{label}", ("Stage", "Clock", *Priority), rows, text)


def _allowed(policy: SlaPolicy, rule: StageRule, priority: Priority) -> str:
    if policy.clock_of(rule) == "paused":
        return f"task {_duration(policy.follow_up_after(rule, priority))}"
    after = " after the appointment" if rule.clock_from_appointment else ""
    return _duration(policy.duration(rule, priority)) + after


def _duration(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _roles(roles: Iterable[Role]) -> str:
    given = frozenset(roles)
    return ", ".join(role for role in Role if role in given)


def _yes(is_true: bool) -> str:  # noqa: FBT001 - one word of a table
    return "yes" if is_true else ""


def _section(title: str, heading: tuple[str, ...], rows: Iterable[tuple[str, ...]], text: str = "") -> str:
    return "\n".join((f"## {title}", *([text] if text else []), *_table(heading, rows), ""))


def _table(heading: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heading)} |"
    yield "|" + " --- |" * len(heading)
    for row in rows:
        yield f"| {' | '.join(row)} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render())
