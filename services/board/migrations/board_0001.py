"""Create what people may see: roles, row rules, column rights, and the indexes of the search."""

from pathlib import Path

from alembic import op

from runtime.migrations import run_sql_file

revision = "board_0001"
down_revision = None
branch_labels = ("board",)
depends_on = ("matcher_0001", "stager_0001")


def upgrade() -> None:
    """Create them."""
    for part in ("roles", "session", "rows", "columns", "search", "who_can_see"):
        run_sql_file(op, Path(__file__).with_name(f"board_0001_{part}.sql"))
