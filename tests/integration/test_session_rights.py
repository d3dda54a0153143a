"""A person's rights end with the transaction, before the pool has to look whether they did."""

import psycopg

from baton.directory.document import DEFAULT_FILE, read_directory
from baton.directory.loading import load
from baton.migrations import migrate

SETTINGS = ("baton.user", "baton.network", "baton.clinics", "baton.teams", "baton.role")


def test_nothing_of_a_person_is_left_after_the_transaction(database_url: str) -> None:
    migrate(database_url)
    load(database_url, read_directory(DEFAULT_FILE))

    with psycopg.connect(database_url) as connection:
        owner = connection.execute("SELECT current_user").fetchone()
        connection.execute("SELECT board.enter('sue')")
        as_sue = connection.execute("SELECT current_setting('baton.network'), current_user").fetchone()
        connection.commit()
        left = {
            name: connection.execute("SELECT coalesce(current_setting(%s, true), '')", [name]).fetchone()
            for name in SETTINGS
        }
        afterwards = connection.execute("SELECT current_user").fetchone()

    assert as_sue == ("riverside", "baton_board_supervisor")
    assert left == {name: ("",) for name in SETTINGS}
    assert afterwards == owner
