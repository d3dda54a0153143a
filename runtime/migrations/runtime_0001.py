"""Create the directory of clinics and staff and the audit chains."""

from pathlib import Path

from alembic import op

from runtime.migrations import run_sql_file

revision = "runtime_0001"
down_revision = None
branch_labels = ("runtime",)
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    run_sql_file(op, Path(__file__).with_suffix(".sql"))
