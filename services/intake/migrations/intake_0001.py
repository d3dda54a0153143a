"""Intake: the quarantine and the automation log; referrals themselves are only on topics."""

from alembic import op

from runtime.migrations import create_step_tables

revision = "intake_0001"
down_revision = None
branch_labels = ("intake",)
depends_on = ("runtime_0001",)


def upgrade() -> None:
    create_step_tables(op, schema="intake")
