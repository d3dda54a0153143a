from schemas.vocabulary import CorrectionKind, Role
from services.board.rules.access import ACTING, VISIBLE, ColumnGroup, database_role_of, may_correct, sees


def test_every_role_of_people_is_decided_on() -> None:
    assert set(VISIBLE) == set(Role) - {Role.SERVICE}


def test_an_auditor_sees_no_patient_and_changes_nothing() -> None:
    assert not any(sees(Role.AUDITOR, group) for group in ColumnGroup)
    assert Role.AUDITOR not in ACTING


def test_scheduling_sees_whom_to_call_and_not_why() -> None:
    assert sees(Role.SCHEDULING, ColumnGroup.IDENTITY)
    assert not sees(Role.SCHEDULING, ColumnGroup.CLINICAL)
    assert not sees(Role.SCHEDULING, ColumnGroup.INSURANCE)


def test_a_service_sees_nothing_through_the_board() -> None:
    assert not any(sees(Role.SERVICE, group) for group in ColumnGroup)


def test_only_intake_and_supervisors_decide_whether_two_patients_are_one() -> None:
    deciding = {role for role in Role if may_correct(role, CorrectionKind.MERGE)}

    assert deciding == {Role.INTAKE, Role.SUPERVISOR}
    assert may_correct(Role.SCHEDULING, CorrectionKind.DEMOGRAPHICS)
    assert not may_correct(Role.CLINICAL_REVIEWER, CorrectionKind.DEMOGRAPHICS)


def test_each_role_has_its_own_role_in_the_database() -> None:
    assert database_role_of(Role.INTAKE) == "baton_board_intake"
