"""Lists and statistics that cost the same however many jobs have ended.

Revision ID: 0014
Revises: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# By the end and not by updated_at, which every heartbeat changes: an index on that would be written at each of them. A job
# gets its entry when it ends. Labels and failures are indexed where there are any: other rows cost nothing.
UP = """
CREATE INDEX jobs_ended_idx ON jobctl.jobs (completed_at, id) WHERE status IN ('completed', 'failed', 'cancelled');
CREATE INDEX jobs_labels_idx ON jobctl.jobs USING gin (labels) WHERE labels <> '{}'::jsonb;
CREATE INDEX events_failures_idx ON jobctl.events (id)
    WHERE kind IN ('fail', 'abandon') OR (kind = 'pause' AND detail ? 'error_type');
"""

DOWN = """
DROP INDEX jobctl.events_failures_idx;
DROP INDEX jobctl.jobs_labels_idx;
DROP INDEX jobctl.jobs_ended_idx;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
