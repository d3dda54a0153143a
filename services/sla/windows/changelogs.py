"""The changelog topics of the windows' tables; created with the other topics, never by the worker."""

from enum import StrEnum

APP = "sla-windows"


class Table(StrEnum):
    """What the windows remember."""

    UNTOLD = "untold"  #: signals that no notice told yet
    BREACHES = "breaches"  #: breaches that may become a storm
    STORMS = "storms"  #: the latest storm of each stage and clinic
    WEEKS = "weeks"  #: how many signals each week had, by stage and clinic


def changelog_topics(topic_prefix: str) -> tuple[str, ...]:
    """Return the names of the changelog topics; each needs as many partitions as sla.signalled, and compaction."""
    return tuple(changelog_topic(topic_prefix, table) for table in Table)


def changelog_topic(topic_prefix: str, table: Table) -> str:
    """Return the name of a table's changelog topic."""
    return f"{topic_prefix}{APP}-{table}-changelog"
