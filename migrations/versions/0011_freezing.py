"""Jobs that are frozen where they run, instead of paused at a checkpoint.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE jobctl.jobs ADD COLUMN pause_freezes BOOLEAN NOT NULL DEFAULT false, ADD COLUMN frozen_at TIMESTAMPTZ;
COMMENT ON COLUMN jobctl.jobs.pause_freezes IS 'The pause that stands stops the processes of the job where they are';
COMMENT ON COLUMN jobctl.jobs.frozen_at IS 'Since when the processes of the job are stopped';
"""

DOWN = """
ALTER TABLE jobctl.jobs DROP COLUMN pause_freezes, DROP COLUMN frozen_at;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
