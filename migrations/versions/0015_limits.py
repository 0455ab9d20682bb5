"""Limits of queues and job types: how many jobs run at once, how many start in a time, how often a queue has its turn.

Revision ID: 0015
Revises: 0014
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE jobctl.limits (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    max_running INTEGER,
    rate DOUBLE PRECISION,
    weight INTEGER,
    tokens DOUBLE PRECISION NOT NULL DEFAULT 1,
    refilled_at TIMESTAMPTZ NOT NULL DEFAULT jobctl.clock(),
    declared BOOLEAN NOT NULL DEFAULT false,
    actor TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (kind, name),
    CONSTRAINT kind CHECK (kind IN ('queue', 'type')),
    CONSTRAINT values_in_range CHECK (max_running >= 1 AND rate > 0 AND weight BETWEEN 1 AND 1000)
);
COMMENT ON TABLE jobctl.limits IS 'Limits of queues and job types';
COMMENT ON COLUMN jobctl.limits.kind IS 'queue or type';
COMMENT ON COLUMN jobctl.limits.name IS 'Which one';
COMMENT ON COLUMN jobctl.limits.max_running IS 'Jobs that may run at once; null: any number';
COMMENT ON COLUMN jobctl.limits.rate IS 'Jobs that may start in a second; null: any number';
COMMENT ON COLUMN jobctl.limits.weight IS 'How many turns a queue has for each turn of one without a weight';
COMMENT ON COLUMN jobctl.limits.tokens IS 'Starts that were allowed and not used at refilled_at';
COMMENT ON COLUMN jobctl.limits.refilled_at IS 'When a start was last subtracted from tokens';
COMMENT ON COLUMN jobctl.limits.declared IS 'Whether the code of the job type declares it; a limit of a person takes its place';
COMMENT ON COLUMN jobctl.limits.actor IS 'Who';
"""

DOWN = "DROP TABLE jobctl.limits;"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
