"""Which columns a role sees (R29): the database grants exactly this, the board asks for no more than this."""

from enum import StrEnum

from schemas.vocabulary import CorrectionKind, Role


class ColumnGroup(StrEnum):
    """Columns that are shown or hidden together; each is a role of the database that holds the rights."""

    IDENTITY = "identity"  #: name, date of birth, phone, MRN
    CLINICAL = "clinical"  #: service, reason, diagnoses, notes
    INSURANCE = "insurance"  #: payer, member id, authorisation
    COMMENT = "comment"  #: free text that staff wrote


VISIBLE: dict[Role, frozenset[ColumnGroup]] = {
    Role.INTAKE: frozenset(ColumnGroup),
    Role.ELIGIBILITY: frozenset(ColumnGroup),
    Role.CLINICAL_REVIEWER: frozenset({ColumnGroup.IDENTITY, ColumnGroup.CLINICAL, ColumnGroup.COMMENT}),
    Role.SCHEDULING: frozenset({ColumnGroup.IDENTITY, ColumnGroup.COMMENT}),
    Role.SUPERVISOR: frozenset(ColumnGroup),
    Role.AUDITOR: frozenset(),
    Role.ADMINISTRATOR: frozenset({ColumnGroup.IDENTITY}),
}
#: who may act on referrals; auditors look on
ACTING = frozenset(VISIBLE) - {Role.AUDITOR}


def sees(role: Role, group: ColumnGroup) -> bool:
    """Tell whether a role sees a group of columns."""
    return group in VISIBLE.get(role, frozenset())


def database_role_of(role: Role) -> str:
    """Return the role of the database that a person of this role reads as."""
    return f"baton_board_{role.value}"


#: who may correct what is known of a patient, and who may decide that two patients are one
CORRECTING = frozenset({Role.INTAKE, Role.ELIGIBILITY, Role.SCHEDULING, Role.SUPERVISOR, Role.ADMINISTRATOR})
DECIDING_IDENTITY = frozenset({Role.INTAKE, Role.SUPERVISOR})


def may_correct(role: Role, kind: CorrectionKind) -> bool:
    """Tell whether a role may correct a patient in this way."""
    return role in (CORRECTING if kind is CorrectionKind.DEMOGRAPHICS else DECIDING_IDENTITY)
