"""Create the tables of referrals, their history and tasks, and write the stage table into the database."""

from pathlib import Path

from alembic import op

from runtime.migrations import create_step_tables, run_sql_file
from services.stager.data_files import stage_table_as_json

revision = "stager_0001"
down_revision = None
branch_labels = ("stager",)
depends_on = ("runtime_0001",)

STAGE_TABLE_VERSION = 1


def upgrade() -> None:
    """Create the tables."""
    create_step_tables(op, schema="stager")
    run_sql_file(op, Path(__file__).with_suffix(".sql"))
    content, digest = stage_table_as_json(STAGE_TABLE_VERSION)
    op.get_bind().exec_driver_sql(
        "INSERT INTO stager.stage_table (version, content, digest) VALUES (%s, %s::jsonb, %s)",
        (STAGE_TABLE_VERSION, content, digest),
    )
