"""Remember whether the queue was reminded in the current stay."""

from pathlib import Path

from alembic import op

from runtime.migrations import run_sql_file

revision = "stager_0002"
down_revision = "stager_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    run_sql_file(op, Path(__file__).with_suffix(".sql"))
