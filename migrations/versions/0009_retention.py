"""Retention: where the removal of ended jobs has got to, and when it goes on.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE jobctl.retention (
    only_row BOOLEAN PRIMARY KEY DEFAULT true,
    position BIGINT NOT NULL DEFAULT 0,
    next_at TIMESTAMPTZ NOT NULL DEFAULT jobctl.clock(),
    CONSTRAINT retention_only_row_check CHECK (only_row)
);
COMMENT ON TABLE jobctl.retention IS 'The one row of the removal of ended jobs';
COMMENT ON COLUMN jobctl.retention.only_row IS 'Always true: the table has one row';
COMMENT ON COLUMN jobctl.retention.position IS 'Highest id of a job that was examined in this pass';
COMMENT ON COLUMN jobctl.retention.next_at IS 'When a worker goes on; while one does, when another may';
INSERT INTO jobctl.retention DEFAULT VALUES;
CREATE INDEX events_deleted_idx ON jobctl.events (at, job_id) WHERE kind = 'delete';
"""

DOWN = """
DROP INDEX jobctl.events_deleted_idx;
DROP TABLE jobctl.retention;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
