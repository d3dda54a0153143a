"""Invariant E: every consumed record ends as exactly one of applied, duplicate, parked, quarantined.

Checked for each service with an inbox, for all records before the group's committed offsets: a record is applied when
its event id is in the inbox, and a duplicate when an earlier record of that id is what was applied; it is set back when
the quarantine holds its place, or, for one that was driven again, the row it was driven for. A copy of a record that is
set back shares its fate. For intake, which keeps no inbox, a submission is applied when its referral was received.
What can not be told: which of several records of one event id was the one that was applied.
"""

from collections.abc import Iterator

import psycopg

from baton.verify.checks import Check, Count, verdict_of
from baton.verify.evidence import WITH_INBOX
from baton.verify.findings import Invariant, Verdict
from schemas.topics import Service

_PLACE = """'{service}: ' || topic || '/' || partition || '/' || "offset" AS id"""
_CONSUMED = """
    SELECT record.topic, record.partition, record."offset", record.event_id,
           applied.event_id IS NOT NULL AS is_applied,
           count(*) OVER (PARTITION BY record.event_id) AS copies,
           kept.state,
           driven.quarantine_id IS NOT NULL AS is_driven_again,
           twin.event_id IS NOT NULL AS has_twin
    FROM record
         JOIN consumption USING (topic, partition)
         LEFT JOIN ({applied}) AS applied ON applied.event_id = record.event_id
         LEFT JOIN {schema}.quarantine AS kept
             ON (kept.topic, kept.partition, kept."offset") = (record.topic, record.partition, record."offset")
         LEFT JOIN {schema}.quarantine AS driven ON driven.quarantine_id = record.retry_of
         LEFT JOIN (SELECT DISTINCT event_id FROM {schema}.quarantine) AS twin ON twin.event_id = record.event_id
    WHERE consumption.service = '{service}' AND record."offset" < consumption.committed
"""
_OPEN = "('quarantined', 'parked', 'retrying')"


def _applied(service: Service) -> str:
    if service is Service.INTAKE:
        # its input and its output name the submission, and a submission's id is also its event's
        return "SELECT DISTINCT submission_id AS event_id FROM record WHERE topic = %(received)s"
    return f"SELECT event_id FROM {service.value}.inbox"


def _consumed(service: Service) -> str:
    return _CONSUMED.format(service=service.value, schema=service.value, applied=_applied(service))


def _checks(service: Service) -> Iterator[Check]:
    consumed, place = _consumed(service), _PLACE.format(service=service.value)

    def records(condition: str) -> str:
        return f"SELECT {place} FROM ({consumed}) AS fate WHERE {condition}"

    yield Check(
        "consumed record that is neither applied nor set back",
        records("NOT is_applied AND state IS NULL AND NOT is_driven_again AND NOT has_twin"),
    )
    yield Check("record that is applied and set back", records(f"is_applied AND copies = 1 AND state IN {_OPEN}"))
    yield Check("resolved record that was never applied", records("NOT is_applied AND state = 'resolved'"))
    yield Check(
        "record in quarantine that is not on its topic",
        f"""SELECT {place} FROM {service.value}.quarantine AS kept JOIN span USING (topic, partition)
            WHERE kept."offset" >= span.first AND NOT EXISTS (
                SELECT FROM record WHERE (record.topic, record.partition, record."offset")
                                       = (kept.topic, kept.partition, kept."offset"))""",
    )
    if service is Service.INTAKE:
        return
    yield Check(
        "applied event that is on none of the topics",
        f"""SELECT '{service.value}: ' || event_id AS id FROM {service.value}.inbox
            WHERE NOT EXISTS (SELECT FROM record WHERE record.event_id = inbox.event_id)
              AND NOT EXISTS (SELECT FROM span WHERE first > 0)""",
    )
    if service is Service.STAGER:
        yield Check(
            "applied command without an answer",
            f"""SELECT event_id AS id FROM ({consumed}) AS fate WHERE topic = %(commanded)s AND is_applied
                AND NOT EXISTS (SELECT FROM stager.command WHERE command.command_id = fate.event_id)""",
        )


def dispositions(connection: psycopg.Connection) -> Verdict:
    """Give every consumed record its fate."""
    services = (Service.INTAKE, *WITH_INBOX)
    fates = " UNION ALL ".join(
        f'SELECT topic, partition, "offset", event_id, is_applied, state FROM ({_consumed(service)}) AS fate'
        for service in services
    )
    return verdict_of(
        connection,
        Invariant.ONE_DISPOSITION,
        [check for service in services for check in _checks(service)],
        (
            Count("consumed", f"SELECT count(*) FROM ({fates}) AS fates"),
            Count("set back", f"SELECT count(*) FROM ({fates}) AS fates WHERE state IN {_OPEN}"),
        ),
    )
