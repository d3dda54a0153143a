"""A network with referrals and the board that answers for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
from starlette.testclient import TestClient

from schemas.vocabulary import Stage
from services.board.app import make_app
from services.board.store.session import Pool, open_pool
from tests.support.board import AnsweringBroker, board_settings, desk_over, migrated_database
from tests.support.network_rows import RECEIVED, NetworkRows, SyntheticPatient, SyntheticReferral

LOOPBACK = ("127.0.0.1", 50000)
NOW = RECEIVED + timedelta(hours=5)
MARA = SyntheticPatient("p-mara", "Mara Lynn", "Sentinel-Ruiz", mrn="MR-00-4711")
NILS = SyntheticPatient("p-nils", "Nils", "O’Sentinel", phone="+16175550199")
OLGA = SyntheticPatient("p-olga", "Olga", "Sentinel-Ruiz")


@dataclass
class BoardWorld:
    """A network with referrals, and the board that answers for it."""

    database_url: str
    pool: Pool
    broker: AnsweringBroker
    mara: str
    nils: str
    closed: str
    foreign: str

    def client(self, user_id: str | None = "ivy", *, caller: tuple[str, int] = LOOPBACK, **settings: Any) -> TestClient:
        """Return a client that acts for a person."""
        desk = desk_over(self.pool, self.broker, NOW, **settings)
        headers = {"X-Baton-User": user_id} if user_id is not None else {}
        return TestClient(make_app(desk), client=caller, headers=headers)

    def audit(self, **wanted: str) -> list[tuple[Any, ...]]:
        """Return the audited reads of a request."""
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(
                "SELECT action, actor, referral_id, patient_id FROM audit.entry WHERE cause_id = %s ORDER BY position",
                (wanted["cause_id"],),
            ).fetchall()


@contextmanager
def board_world(server_url: str) -> Iterator[BoardWorld]:
    """Fill a database of its own and open the board's way into it."""
    with migrated_database(server_url, "board") as url:
        ids = _fill(url)
        pool = open_pool(board_settings(url))
        try:
            yield BoardWorld(url, pool, AnsweringBroker(url), *ids)
        finally:
            pool.close()


def _fill(url: str) -> tuple[str, str, str, str]:
    with psycopg.connect(url) as connection:
        own, other = NetworkRows(connection), NetworkRows(connection, "lakeside")
        own.add_directory()
        other.add_directory(suffix="-lakeside")
        for patient in (MARA, NILS):
            own.add_patient(patient)
        other.add_patient(OLGA)
        later = timedelta(days=2)
        mara = own.add_referral(SyntheticReferral(number=1, patient_id="p-mara"))
        nils = own.add_referral(SyntheticReferral(number=2, patient_id="p-nils", clinic_id="hill", due_after=later))
        closed = own.add_referral(
            SyntheticReferral(
                number=3,
                patient_id="p-mara",
                stage=Stage.CLOSED_UNABLE_TO_SCHEDULE,
                clock="stopped",
                due_after=None,
            )
        )
        foreign = other.add_referral(SyntheticReferral(number=4, patient_id="p-olga"))
        own.add_notice(clinic_id="harbor", team="intake", referral_ids=[mara])
    return mara, nils, closed, foreign
