"""Create what people may see of notices."""

from pathlib import Path

from alembic import op

from runtime.migrations import run_sql_file

revision = "board_0002"
down_revision = "board_0001"
branch_labels = None
depends_on = ("courier_0001",)


def upgrade() -> None:
    """Create it."""
    run_sql_file(op, Path(__file__).with_suffix(".sql"))
