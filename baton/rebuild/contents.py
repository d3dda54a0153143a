"""What has to be the same in a rebuilt database, table by table, and what may differ with the order of events."""

from dataclasses import dataclass

_REFERRAL = "network_id || '/' || referral_id"
_PATIENT = "network_id || '/' || patient_id"
#: kept out, as a row's place in a chain is of the process that wrote it
_OF_THE_CHAIN = ("chain_id", "position", "previous_hash", "hash")
_ACT = "cause_id || ' ' || action || ' ' || coalesce(referral_id, '') || ' ' || coalesce(patient_id, '')"
#: reads of people and acts of operators are on no topic
_BY_SERVICES = "chain_id LIKE 'matcher-%' OR chain_id LIKE 'stager-%'"
_RULE = """regexp_replace(detail, '"rule":"[a-z_]*"', '')"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The content of a table that is compared, and by which key a row is named."""

    name: str
    table: str
    key: str
    without: tuple[str, ...] = ()
    where: str = "true"
    #: an expression that is compared besides the columns
    besides: str = "NULL"
    #: False for what may differ although nothing is wrong: what several processes decided at the same instant
    is_exact: bool = True

    @property
    def statement(self) -> str:
        """A statement that returns keys and digests of rows, sorted."""
        without = ", ".join(f"'{column}'" for column in self.without)
        row = f"(to_jsonb(one) - ARRAY[{without}]::text[])::text || coalesce({self.besides}, '')"
        return (
            f"SELECT key, digest FROM (SELECT {self.key} AS key,"
            f" encode(sha256(convert_to({row}, 'UTF8')), 'hex') AS digest FROM {self.table} AS one"
            f' WHERE {self.where}) AS digested ORDER BY key COLLATE "C", digest COLLATE "C"'
        )


CONTENTS: tuple[Content, ...] = (
    Content(name="patients", table="matcher.patient", key=_PATIENT),
    Content(name="blocking keys", table="matcher.patient_key", key=f"{_PATIENT} || '/' || key"),
    Content(name="matched referrals", table="matcher.referral", key=_REFERRAL, without=("outcome", "rule")),
    Content(name="transmissions", table="matcher.transmission", key="network_id || '/' || submission_id"),
    Content(name="repeats", table="matcher.repeat", key="network_id || '/' || acknowledged_as"),
    Content(
        name="corrections", table="matcher.patient_event", key="network_id || '/' || event_id", without=("position",)
    ),
    Content(name="reviews", table="matcher.review_decision", key=f"{_PATIENT} || '/' || other_patient_id"),
    Content(name="referrals", table="stager.referral", key=_REFERRAL),
    Content(name="history", table="stager.stage_history", key=f"{_REFERRAL} || '/' || sequence"),
    Content(name="tasks", table="stager.task", key="network_id || '/' || task_id"),
    Content(name="documents", table="stager.document", key="network_id || '/' || document_id"),
    Content(name="commands", table="stager.command", key="command_id", without=("version", "refusal", "detail")),
    Content(name="stays", table="sla.stay", key=_REFERRAL),
    Content(
        name="audit", table="audit.entry", key=_ACT, without=(*_OF_THE_CHAIN, "detail"), where=_BY_SERVICES,
        besides=_RULE,
    ),
    Content(
        name="rules that matched", table="audit.entry", key=_ACT, without=_OF_THE_CHAIN, where=_BY_SERVICES,
        is_exact=False,
    ),
    Content(name="outcomes of matching", table="matcher.referral", key=_REFERRAL, is_exact=False),
    Content(
        name="possible duplicates", table="matcher.possible_duplicate", key="network_id || '/' || duplicate_id",
        is_exact=False,
    ),
    Content(name="answers to commands", table="stager.command", key="command_id", is_exact=False),
    Content(
        name="clocks", table="sla.clock", key=f"{_REFERRAL} || '/' || stage_entry || '/' || kind",
        without=("fired_at",), is_exact=False,
    ),
)  # fmt: skip
