"""Write a directory into the database: what is new is added, what differs is changed, nobody is removed."""

import psycopg

from baton.directory.document import Directory, Network

_NETWORK = """
    INSERT INTO directory.network (network_id, name) VALUES (%s, %s)
    ON CONFLICT (network_id) DO UPDATE SET name = excluded.name
"""
_CLINIC = """
    INSERT INTO directory.clinic (network_id, clinic_id, name, time_zone) VALUES (%s, %s, %s, %s)
    ON CONFLICT (network_id, clinic_id) DO UPDATE SET name = excluded.name, time_zone = excluded.time_zone
"""
_PERSON = """
    INSERT INTO directory.staff (user_id, network_id, name, role, clinic_ids, teams) VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (user_id) DO UPDATE SET network_id = excluded.network_id, name = excluded.name, role = excluded.role,
        clinic_ids = excluded.clinic_ids, teams = excluded.teams
"""


def load(database_url: str, directory: Directory) -> None:
    """Write a directory in one transaction."""
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        for network in directory.networks:
            _load_network(cursor, network)


def _load_network(cursor: psycopg.Cursor, network: Network) -> None:
    cursor.execute(_NETWORK, (network.network_id, network.name))
    cursor.executemany(_CLINIC, [(network.network_id, c.clinic_id, c.name, c.time_zone) for c in network.clinics])
    staff = [
        (p.user_id, network.network_id, p.name, p.role, list(p.clinics), [team.value for team in p.teams])
        for p in network.staff
    ]
    cursor.executemany(_PERSON, staff)
