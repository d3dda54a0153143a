"""Create the notices, the memory of what was told, and the effects outside."""

from pathlib import Path

from alembic import op

from runtime.migrations import create_step_tables, run_sql_file

revision = "courier_0001"
down_revision = None
branch_labels = ("courier",)
depends_on = ("runtime_0001",)


def upgrade() -> None:
    """Create the tables."""
    create_step_tables(op, schema="courier")
    run_sql_file(op, Path(__file__).with_suffix(".sql"))
