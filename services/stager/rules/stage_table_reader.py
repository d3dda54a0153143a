"""Turn a written stage table into rules, refusing one that contradicts itself."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from schemas.vocabulary import AppointmentStatus, ClockState, CommandAction, MissingItem, Role, Stage, Team, WaitingOn
from services.stager.rules.reading import Written, WronglyWritten, refuse_unknown, required, word, words
from services.stager.rules.stage_table import (
    AppointmentRules,
    Need,
    ReasonCode,
    ReasonGroup,
    StageRule,
    StageTable,
    TaskTemplate,
    Transition,
)

#: in a list of roles: the roles of the team that owns the stage
STAGE_TEAM = "stage_team"
#: templates that the rules themselves ask for
REQUIRED_TASKS = ("decide_next_step", "escalate_overdue")
TOP_LEVEL = (
    "version", "main_line", "arrives_complete", "arrives_incomplete", "closes_to", "every_move",
    "teams", "actions", "tasks", "stages", "transitions", "appointments", "reasons",
)  # fmt: skip

Teams = Mapping[Team, frozenset[Role]]
Stages = Mapping[Stage, StageRule]


def read_stage_table(written: Written) -> StageTable:
    """Return the rules of a written stage table.

    Raises:
        WronglyWritten: a word is unknown, something is missing or two statements contradict each other.
    """
    refuse_unknown(written, TOP_LEVEL, of="stage table")
    every_move = frozenset(words(Role, required(written, "every_move", of="stage table"), of="every_move"))
    teams = _teams(required(written, "teams", of="stage table"), every_move)
    stages = {stage.stage: stage for stage in _stages(required(written, "stages", of="stage table"))}
    table = StageTable(
        version=int(required(written, "version", of="stage table")),
        main_line=words(Stage, required(written, "main_line", of="stage table"), of="main_line"),
        arrives_complete=_stage(written, "arrives_complete"),
        arrives_incomplete=_stage(written, "arrives_incomplete"),
        closes_to=_stage(written, "closes_to"),
        every_move=every_move,
        teams=teams,
        actions=_actions(required(written, "actions", of="stage table"), stages, teams),
        tasks={task.name: task for task in _tasks(required(written, "tasks", of="stage table"))},
        stages=stages,
        transitions=_transitions(required(written, "transitions", of="stage table"), stages, teams),
        reasons=_reasons(required(written, "reasons", of="stage table")),
        appointments=_appointments(required(written, "appointments", of="stage table")),
    )
    _refuse_contradictions(table)
    return table


def _stage(written: Written, key: str) -> Stage:
    return word(Stage, required(written, key, of="stage table"), of=key)


def _teams(written: Written, every_move: frozenset[Role]) -> Teams:
    return {
        word(Team, name, of="teams"): frozenset(words(Role, roles, of=f"team {name}")) | every_move
        for name, roles in written.items()
    }


def _roles(written: Sequence[str], team: Team, teams: Teams, *, of: str) -> frozenset[Role]:
    named = frozenset(words(Role, [role for role in written if role != STAGE_TEAM], of=of))
    return named | (teams[team] if STAGE_TEAM in written else frozenset()) | teams[Team.SUPERVISOR]


def _actions(written: Written, stages: Stages, teams: Teams) -> Mapping[CommandAction, Mapping[Stage, frozenset[Role]]]:
    return {
        word(CommandAction, name, of="actions"): {
            stage: _roles(roles, rule.team, teams, of=f"action {name}") for stage, rule in stages.items()
        }
        for name, roles in written.items()
    }


def _tasks(written: Written) -> Iterator[TaskTemplate]:
    for name, task in written.items():
        of = f"task {name}"
        refuse_unknown(task, ("type", "team", "settles", "closed_by_moving"), of=of)
        yield TaskTemplate(
            name=name,
            type=required(task, "type", of=of),
            team=word(Team, task["team"], of=of) if "team" in task else None,
            settles=frozenset(words(MissingItem, task.get("settles", ()), of=of)),
            closed_by_moving=bool(task.get("closed_by_moving", False)),
        )


STAGE_KEYS = (
    "title", "team", "waiting_on", "clock", "done", "sla", "tasks", "task_for_missing", "suspends",
    "clock_from_appointment", "skippable", "when_complete", "reopens_to",
)  # fmt: skip


def _stages(written: Written) -> Iterator[StageRule]:
    for name, stage in written.items():
        of = f"stage {name}"
        refuse_unknown(stage, STAGE_KEYS, of=of)
        yield StageRule(
            stage=word(Stage, name, of=of),
            title=required(stage, "title", of=of),
            team=word(Team, required(stage, "team", of=of), of=of),
            waiting_on=word(WaitingOn, required(stage, "waiting_on", of=of), of=of),
            clock=word(ClockState, required(stage, "clock", of=of), of=of),
            done=required(stage, "done", of=of),
            sla=stage.get("sla"),
            tasks=tuple(stage.get("tasks", ())),
            task_for_missing={
                word(MissingItem, item, of=of): task for item, task in stage.get("task_for_missing", {}).items()
            },
            suspends=bool(stage.get("suspends", False)),
            clock_from_appointment=bool(stage.get("clock_from_appointment", False)),
            skippable=bool(stage.get("skippable", False)),
            when_complete=_optional_stage(stage, "when_complete", of=of),
            reopens_to=_optional_stage(stage, "reopens_to", of=of),
        )


def _optional_stage(written: Written, key: str, *, of: str) -> Stage | None:
    return word(Stage, written[key], of=of) if key in written else None


TRANSITION_KEYS = ("from", "to", "roles", "reasons", "needs", "waived_by", "skips", "rework")


def _transitions(written: Sequence[Written], stages: Stages, teams: Teams) -> Mapping[tuple[Stage, Stage], Transition]:
    found: dict[tuple[Stage, Stage], Transition] = {}
    for entry in written:
        refuse_unknown(entry, TRANSITION_KEYS, of="transition")
        target = word(Stage, required(entry, "to", of="transition"), of="transition")
        for source in words(Stage, required(entry, "from", of="transition"), of="transition"):
            if (source, target) in found:
                raise WronglyWritten(f"transition {source} -> {target} is written twice")
            found[source, target] = _transition(entry, source, target, stages[source].team, teams)
    return found


def _transition(entry: Written, source: Stage, target: Stage, team: Team, teams: Teams) -> Transition:
    of = f"transition {source} -> {target}"
    return Transition(
        source=source,
        target=target,
        roles=_roles(required(entry, "roles", of=of), team, teams, of=of),
        reasons=word(ReasonGroup, entry["reasons"], of=of) if "reasons" in entry else None,
        needs=words(Need, entry.get("needs", ()), of=of),
        waived_by=word(ReasonGroup, entry["waived_by"], of=of) if "waived_by" in entry else None,
        skips=_optional_stage(entry, "skips", of=of),
        is_rework=bool(entry.get("rework", False)),
    )


def _reasons(written: Written) -> Mapping[str, ReasonCode]:
    found: dict[str, ReasonCode] = {}
    for group, codes in written.items():
        for code, entry in codes.items():
            if code in found:
                raise WronglyWritten(f"reason {code} is written twice")
            found[code] = _reason(word(ReasonGroup, group, of="reasons"), code, entry)
    return found


def _reason(group: ReasonGroup, code: str, entry: Written) -> ReasonCode:
    of = f"reason {code}"
    refuse_unknown(entry, ("text", "stages", "roles", "comment", "from", "until"), of=of)
    return ReasonCode(
        code=code,
        group=group,
        text=required(entry, "text", of=of),
        stages=frozenset(words(Stage, entry.get("stages", ()), of=of)),
        roles=frozenset(words(Role, entry.get("roles", ()), of=of)),
        needs_comment=bool(entry.get("comment", False)),
        effective_from=_day(entry, "from", of=of),
        effective_until=_day(entry, "until", of=of),
    )


def _day(written: Written, key: str, *, of: str) -> date | None:
    day = written.get(key)
    if day is not None and type(day) is not date:
        raise WronglyWritten(f"{of}: {key} is no date")
    return day


def _appointments(written: Written) -> AppointmentRules:
    of = "appointments"
    refuse_unknown(written, ("moves_from", "leads_to", "reason"), of=of)
    return AppointmentRules(
        moves_from=frozenset(words(Stage, required(written, "moves_from", of=of), of=of)),
        leads_to={
            word(AppointmentStatus, status, of=of): word(Stage, stage, of=of)
            for status, stage in required(written, "leads_to", of=of).items()
        },
        reason={word(AppointmentStatus, status, of=of): code for status, code in written.get("reason", {}).items()},
    )


def _refuse_contradictions(table: StageTable) -> None:
    for complaint in _contradictions(table):
        raise WronglyWritten(complaint)


def _contradictions(table: StageTable) -> Iterator[str]:
    yield from (f"stage {stage} is not described" for stage in Stage if stage not in table.stages)
    yield from (f"team {team} has no roles" for team in Team if team not in table.teams)
    yield from (
        f"appointment status {s} leads nowhere" for s in AppointmentStatus if s not in table.appointments.leads_to
    )
    yield from (f"task {name} is not described" for name in REQUIRED_TASKS if name not in table.tasks)
    yield from (f"reason {c} is not known" for c in table.appointments.reason.values() if c not in table.reasons)
    for rule in table.stages.values():
        yield from _stage_contradictions(table, rule)
    for transition in table.transitions.values():
        yield from _transition_contradictions(table, transition)


def _stage_contradictions(table: StageTable, rule: StageRule) -> Iterator[str]:
    tasks = (*rule.tasks, *rule.task_for_missing.values())
    yield from (f"stage {rule.stage}: task {task} is not described" for task in tasks if task not in table.tasks)
    if rule.is_open and not rule.tasks:
        yield f"stage {rule.stage} is open and creates no task"
    if rule.is_open and rule.sla is None:
        yield f"stage {rule.stage} is open and has no SLA"
    if rule.is_open and (rule.stage, table.closes_to) not in table.transitions:
        yield f"stage {rule.stage} is open and cannot be closed"
    if not rule.is_open and rule.tasks:
        yield f"stage {rule.stage} is the end and creates tasks"


def _transition_contradictions(table: StageTable, transition: Transition) -> Iterator[str]:
    name = f"transition {transition.source} -> {transition.target}"
    if table.stages[transition.target].clock is ClockState.PAUSED and transition.reasons is None:
        yield f"{name} pauses the clock without a reason"
    for group in (transition.reasons, transition.waived_by):
        if group is not None and not table.codes(group):
            yield f"{name}: no reason code in group {group}"
