"""Databases that a whole module of tests shares."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from psycopg import sql


@contextmanager
def temporary_database(server_url: str) -> Iterator[str]:
    """Create a database on a server and drop it after the block."""
    name = f"t{secrets.token_hex(6)}"
    with psycopg.connect(server_url, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(server_url, autocommit=True) as owner:
            owner.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def empty_schema(database_url: str, schema: str) -> None:
    """Delete every row of a schema."""
    with psycopg.connect(database_url) as owner:
        names = owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema]).fetchall()
        tables = sql.SQL(", ").join(sql.Identifier(schema, name) for (name,) in names)
        owner.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(tables))
