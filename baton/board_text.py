"""What the board answers, as lines a person reads."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

Document = Mapping[str, Any]
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


def referral_lines(referral: Document, *, now: datetime) -> Iterator[str]:
    """Say where a referral is, who owns the next step, when it is due and why it waits."""
    yield "  ".join(part for part in (referral["referral_id"], patient_name(referral.get("patient"))) if part)
    yield f"  stage     {words(referral['stage'])}, since {moment(referral['stage_entered_at'])}"
    owner = f" · {referral['owner_user']}" if referral["owner_user"] else ""
    yield f"  owner     {referral['owner_queue']}{owner}"
    yield f"  due       {_due(referral, now)}"
    yield f"  waits on  {_waits_on(referral)}"
    last = referral.get("last_event")
    if last:
        yield f"  last      {words(last['kind'])} by {last['by']}, {moment(last['at'])}"
    yield f"  version   {referral['version']}"


def timeline_lines(timeline: Document) -> Iterator[str]:
    """Say each wait of a referral, on whom and how long, with what happened meanwhile."""
    yield f"{timeline['referral_id']}  received {moment(timeline['received_at'])}"
    for stay in timeline["stays"]:
        yield _stay_line(stay)
        yield from (
            _change_line(change) for change in timeline["history"] if change["stage_entry"] == stay["stage_entry"]
        )
    for party, waited_s in timeline["waited_s_by_party"].items():
        yield f"waited {duration(waited_s)} on {words(party)}"
    for task in timeline["tasks"]:
        yield f"task {task['status']:9} {task['type']} ({task['task_id']})"


def patient_name(patient: Document | None) -> str:
    """Return a patient's name and date of birth on one line, where they are shown."""
    if not patient:
        return ""
    name = ", ".join(part for part in (patient["last_name"], patient["given_name"]) if part)
    return "  ".join(part for part in (name, patient["birth_date"]) if part)


def words(value: str) -> str:
    """Return a word of the vocabulary as people write it."""
    return value.replace("_", " ")


def moment(text: str) -> str:
    """Return an instant to the minute, in UTC."""
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M UTC")


def duration(seconds: float) -> str:
    """Return a duration in the two largest units that count."""
    left = int(seconds)
    for size, unit, smaller, smaller_unit in ((_DAY_S, "d", _HOUR_S, "h"), (_HOUR_S, "h", _MINUTE_S, "min")):
        if left >= size:
            return f"{left // size} {unit} {left % size // smaller} {smaller_unit}"
    return f"{left // _MINUTE_S} min" if left >= _MINUTE_S else f"{left} s"


def _due(referral: Document, now: datetime) -> str:
    if not referral["due_at"]:
        return {"paused": "clock paused", "stopped": "nothing is due"}.get(referral["clock"], "no due time")
    left = datetime.fromisoformat(referral["due_at"]) - now
    if left < timedelta(0) or referral["breached"]:
        return f"{moment(referral['due_at'])}, overdue by {duration(max(0.0, -left.total_seconds()))}"
    return f"{moment(referral['due_at'])}, in {duration(left.total_seconds())}"


def _waits_on(referral: Document) -> str:
    why = [words(item) for item in referral["missing_items"]]
    reason = f" ({words(referral['reason_code'])})" if referral["reason_code"] else ""
    missing = f", missing {', '.join(why)}" if why else ""
    return f"{words(referral['waiting_on'])}{reason}{missing}"


def _stay_line(stay: Document) -> str:
    until = moment(stay["until"]) if stay["until"] else "now"
    breached = ", breached" if stay["is_breached"] else ""
    return (
        f"{moment(stay['since'])} - {until}  {words(stay['stage'])}: {duration(stay['waited_s'])}"
        f" on {words(stay['waiting_on'])}{breached}"
    )


def _change_line(change: Document) -> str:
    details = ", ".join(str(change[name]) for name in ("reason_code", "outcome", "comment") if change.get(name))
    what = f"{words(change['kind'])} by {change['actor']}"
    return f"    {change['sequence']:3}  {moment(change['recorded_at'])}  {what}" + (f" ({details})" if details else "")
