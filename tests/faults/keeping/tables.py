"""Every table of a campaign's database as a file of comma-separated values."""

from pathlib import Path

import psycopg
from psycopg import sql

TABLES = """
    SELECT schemaname, tablename FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2
"""


def dump_tables(database_url: str, folder: Path) -> None:
    """Write every table to SCHEMA.TABLE.csv."""
    folder.mkdir(exist_ok=True)
    with psycopg.connect(database_url) as connection:
        for schema, table in connection.execute(TABLES).fetchall():
            query = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT WITH (FORMAT csv, HEADER)")
            with (
                (folder / f"{schema}.{table}.csv").open("wb") as file,
                connection.cursor().copy(query.format(sql.Identifier(schema, table))) as rows,
            ):
                for part in rows:
                    file.write(part)
