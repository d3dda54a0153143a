"""Create the patient index, the PHI side of referrals, and what people decided about duplicates."""

from pathlib import Path

from alembic import op

from runtime.migrations import create_step_tables, run_sql_file

revision = "matcher_0001"
down_revision = None
branch_labels = ("matcher",)
depends_on = ("runtime_0001",)


def upgrade() -> None:
    """Create the tables."""
    create_step_tables(op, schema="matcher")
    run_sql_file(op, Path(__file__).with_suffix(".sql"))
