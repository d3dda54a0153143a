"""Compare two databases by the digests of their rows."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, cast

import psycopg
from psycopg import sql

from baton.rebuild.contents import CONTENTS, Content
from baton.refusal import Refused

#: as many keys of differing rows are told
SHOWN = 20
FETCHED_AT_ONCE = 10_000
Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How one content compares."""

    name: str
    is_exact: bool
    rows: tuple[int, int]
    hashes: tuple[str, str]
    #: rows that differ or are on one side only
    different: int
    keys: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Whether both sides hold the same."""
        return self.hashes[0] == self.hashes[1]

    def line(self) -> str:
        """Return the comparison for people."""
        name = f"{self.name:22}"
        if self.is_same:
            return f"{name} same       {self.rows[0]} rows  {self.hashes[0][:16]}"
        state = "DIFFERENT" if self.is_exact else "differs"
        more = f" and {self.different - len(self.keys)} more" if self.different > len(self.keys) else ""
        return f"{name} {state:10} {self.rows[0]} and {self.rows[1]} rows: {', '.join(self.keys)}{more}"


class Tally:
    """Counts rows while they pass, and digests them all."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = iter(rows)
        self._digest = hashlib.sha256()
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for key, digest in self._rows:
            self.count += 1
            self._digest.update(f"{key}\x1f{digest}\n".encode())
            yield key, digest

    @property
    def hash(self) -> str:
        """The digest of the rows that passed."""
        return self._digest.hexdigest()


def compare(live_url: str, rebuilt_url: str) -> list[Comparison]:
    """Compare every content of two databases."""
    with ExitStack() as stack:
        live, rebuilt = (stack.enter_context(_session(url)) for url in (live_url, rebuilt_url))
        return [compare_rows(content, _rows(live, content), _rows(rebuilt, content)) for content in CONTENTS]


def compare_if_reachable(live_url: str, rebuilt_url: str) -> list[Comparison] | None:
    """Compare two databases, or return None when one of them can not be reached or has no tables yet.

    Raises:
        Refused: the account is bound by row security and would see a part only.
    """
    try:
        return compare(live_url, rebuilt_url)
    except psycopg.errors.InsufficientPrivilege:
        raise Refused("this database account may not see every row") from None
    except (psycopg.OperationalError, psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return None


def compare_rows(content: Content, live: Iterable[Row], rebuilt: Iterable[Row]) -> Comparison:
    """Compare rows that come sorted."""
    tallies = Tally(live), Tally(rebuilt)
    keys, different = [], 0
    for key in _differing(iter(tallies[0]), iter(tallies[1])):
        different += 1
        if different <= SHOWN:
            keys.append(key)
    return Comparison(
        name=content.name,
        is_exact=content.is_exact,
        rows=(tallies[0].count, tallies[1].count),
        hashes=(tallies[0].hash, tallies[1].hash),
        different=different,
        keys=tuple(keys),
    )


def _differing(left: Iterator[Row], right: Iterator[Row]) -> Iterator[str]:
    """Yield each key whose rows are not the same on both sides."""
    one, other, told = next(left, None), next(right, None), None
    while one is not None or other is not None:
        if one == other:
            one, other = next(left, None), next(right, None)
            continue
        if other is None or (one is not None and _sorts(one) < _sorts(other)):
            assert one is not None  # noqa: S101 - not both are at their end
            key, one = one[0], next(left, None)
        else:
            key, other = other[0], next(right, None)
        if key != told:
            told = key
            yield key


def _sorts(row: Row) -> tuple[bytes, bytes]:
    # as the database sorts under its plainest collation
    return row[0].encode(), row[1].encode()


def _session(url: str) -> psycopg.Connection:
    connection = psycopg.connect(url, application_name="baton-compare")
    connection.execute("SET row_security = off")
    connection.execute("SET TimeZone = 'UTC'")
    connection.commit()
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    return connection


def _rows(connection: psycopg.Connection, content: Content) -> Iterator[Row]:
    with connection.cursor(name="content") as cursor:
        cursor.itersize = FETCHED_AT_ONCE
        for key, digest in cursor.execute(sql.SQL(cast(Any, content.statement))):
            yield str(key), str(digest)
