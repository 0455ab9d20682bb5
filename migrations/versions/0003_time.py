"""Time that holds: each worker's own lease, the seconds that attempts ran, and a clock that may be set back.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE jobctl.workers ADD COLUMN lease_s DOUBLE PRECISION DEFAULT 30 NOT NULL;
COMMENT ON COLUMN jobctl.workers.lease_s IS 'Seconds that its leases last without a beat';
ALTER TABLE jobctl.jobs ADD COLUMN run_s DOUBLE PRECISION DEFAULT 0 NOT NULL;
COMMENT ON COLUMN jobctl.jobs.run_s IS 'Seconds that the ended attempts ran, together';
"""

# One definition of "silent" for list, why, doctor and worker list. A second of the future is a clock that is adjusted;
# more is a clock that was set back, after which an old heartbeat says nothing.
SILENT = """
CREATE FUNCTION jobctl.silent(heartbeat_at timestamptz, lease_s double precision)
RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT NOT coalesce(
        silent.heartbeat_at BETWEEN jobctl.clock() - make_interval(secs => silent.lease_s * 0.4)
            AND jobctl.clock() + interval '1 second',
        false
    )
$$;
COMMENT ON FUNCTION jobctl.silent(timestamptz, double precision) IS
    'No heartbeat for two fifths of a lease, or one that lies in the future';
"""

# What was submitted for now, by its run_after: empty behind the clock unless the clock was set back (make_due.sql).
NOW = """
CREATE INDEX jobs_now_idx ON jobctl.jobs (run_after)
    WHERE status = 'pending' AND run_after - created_at <= interval '1 second';
"""

# Old rows: the time between each claim and what came after it, since the last restart; without a history, from the
# first claim to the end.
RUN = """
WITH moves AS (
    SELECT
        job_id, to_status, at, id,
        lead(at) OVER (PARTITION BY job_id ORDER BY id) AS ended,
        max(id) FILTER (WHERE kind = 'restart') OVER (PARTITION BY job_id) AS restarted
    FROM jobctl.events
    WHERE to_status IS NOT NULL
),
ran AS (
    SELECT job_id, sum(extract(epoch FROM ended - at)) AS run_s
    FROM moves
    WHERE to_status = 'processing' AND ended >= at AND id > coalesce(restarted, 0)
    GROUP BY job_id
)
UPDATE jobctl.jobs j
SET run_s = greatest(0, coalesce(ran.run_s, extract(epoch FROM o.completed_at - o.started_at)))
FROM jobctl.jobs o LEFT JOIN ran ON ran.job_id = o.id
WHERE o.id = j.id AND (ran.run_s IS NOT NULL OR (o.completed_at IS NOT NULL AND o.started_at IS NOT NULL));
"""

DOWN = """
DROP INDEX jobctl.jobs_now_idx;
DROP FUNCTION jobctl.silent(timestamptz, double precision);
ALTER TABLE jobctl.jobs DROP COLUMN run_s;
ALTER TABLE jobctl.workers DROP COLUMN lease_s;
"""


def upgrade() -> None:
    op.execute(COLUMNS)
    op.execute(SILENT)
    op.execute(NOW)
    op.execute(RUN)


def downgrade() -> None:
    op.execute(DOWN)
