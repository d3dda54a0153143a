"""The tables that every service's step needs, and the way to run a plain SQL file in a migration."""

from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def run_sql_file(op: Any, path: Path) -> None:
    """Run a file of SQL exactly as written, colons and percent signs included."""
    run_sql(op, path.read_text())


def run_sql(op: Any, text: str) -> None:
    """Run SQL text exactly as written."""
    cursor = op.get_bind().connection.driver_connection.cursor()
    cursor.execute(text)


def create_step_tables(op: Any, *, schema: str) -> None:
    """Create a service's schema, its role and the tables of the exactly-once step."""
    if not schema.isidentifier():
        raise ValueError(schema)
    run_sql(op, (FOLDER / "step_tables.sql").read_text().replace("{schema}", schema))
