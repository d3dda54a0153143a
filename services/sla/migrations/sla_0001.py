"""Create the tables of the clocks."""

from pathlib import Path

from alembic import op

from runtime.migrations import create_step_tables, run_sql_file

revision = "sla_0001"
down_revision = None
branch_labels = ("sla",)
depends_on = ("runtime_0001",)


def upgrade() -> None:
    """Create the tables."""
    create_step_tables(op, schema="sla")
    run_sql_file(op, Path(__file__).with_suffix(".sql"))
