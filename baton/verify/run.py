"""Check a deployment while it runs, without changing anything."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from baton.refusal import Refused
from baton.topic_reader import Spans, TopicReader
from baton.verify.announcements import announcements
from baton.verify.audit import audit
from baton.verify.dispositions import dispositions
from baton.verify.evidence import WITH_INBOX, create_tables, load_records, note_consumption, note_spans
from baton.verify.existence import existence
from baton.verify.findings import Report, Verdict
from baton.verify.path import paths
from baton.verify.settling import Patience, await_announcements, settle
from runtime.registry import RegistrySchemaIds, make_registry_client
from runtime.settings import ServiceSettings
from schemas.codec import Codec
from schemas.topics import TOPICS, Service

NAMES = tuple(topic.name for topic in TOPICS)
#: whose announcements are compared with their tables
ANNOUNCING = (Service.MATCHER, Service.STAGER)


def verify(settings: ServiceSettings, *, within_s: float) -> Report:
    """Check invariants A to E and G on one snapshot of the database and on the topics around it.

    Raises:
        Refused: broker or database can not be read whole.
    """
    patience = Patience(within_s)
    with TopicReader(settings) as reader, _session(settings) as connection:
        begun, unsettled = settle(reader, patience)
        create_tables(connection)
        connection.commit()
        sure = {**reader.spans(NAMES), **begun}
        note_consumption(connection, {s: reader.committed(s) for s in (Service.INTAKE, *WITH_INBOX)})
        connection.commit()
        with _snapshot(connection):
            late = await_announcements(connection, reader, ANNOUNCING, patience)
            last = reader.spans(NAMES)
            note_spans(connection, sure, last)
            with make_registry_client(settings) as registry:
                codec = Codec(RegistrySchemaIds(registry), topic_prefix=settings.topic_prefix)
                load_records(connection, codec, reader.read(last))
            verdicts = _verdicts(connection)
    names = tuple(service.value for service in dict.fromkeys((*unsettled, *late)))
    return Report(verdicts, unsettled=names, notes=tuple(_notes(last)))


def _verdicts(connection: psycopg.Connection) -> tuple[Verdict, ...]:
    return (
        *existence(connection),
        paths(connection),
        announcements(connection),
        dispositions(connection),
        audit(connection),
    )


@contextmanager
def _session(settings: ServiceSettings) -> Iterator[psycopg.Connection]:
    with psycopg.connect(settings.database_url, application_name="baton-verify") as connection:
        connection.execute("SET row_security = off")
        connection.execute("SET idle_in_transaction_session_timeout = 0")
        connection.execute("SET work_mem = '64MB'")
        connection.commit()
        try:
            yield connection
        except psycopg.errors.InsufficientPrivilege:
            raise Refused(
                "this database account may not see every row; use one that row security does not bind"
            ) from None
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            raise Refused("the database has not all tables; run `baton migrate`") from None


@contextmanager
def _snapshot(connection: psycopg.Connection) -> Iterator[None]:
    """Hold one snapshot; only the session's temporary tables can be written."""
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    with connection.transaction():
        yield


def _notes(spans: Spans) -> Iterator[str]:
    gone = sorted({topic for (topic, _), span in spans.items() if span.first > 0 and not _is_compacted(topic)})
    for topic in gone:
        yield f"the first records of {topic} are no longer kept; what they were the reason of is not looked at"


def _is_compacted(topic: str) -> bool:
    return next(one.is_compacted for one in TOPICS if one.name == topic)
