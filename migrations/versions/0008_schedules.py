"""Schedules, and jobs that expire before their start or may take only so long.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE jobctl.schedules (
    name TEXT PRIMARY KEY,
    cron TEXT,
    every_s DOUBLE PRECISION,
    tz TEXT NOT NULL DEFAULT 'UTC',
    job JSONB NOT NULL DEFAULT '{}'::jsonb,
    catch_up TEXT NOT NULL DEFAULT 'latest',
    overlap TEXT NOT NULL DEFAULT 'skip',
    created_by TEXT NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL DEFAULT jobctl.clock(),
    paused_at TIMESTAMPTZ,
    pause_reason TEXT,
    next_at TIMESTAMPTZ NOT NULL,
    last_at TIMESTAMPTZ,
    last_job_id BIGINT,
    CONSTRAINT schedules_name_check CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT schedules_timing_check CHECK ((cron IS NULL) <> (every_s IS NULL)),
    CONSTRAINT schedules_catch_up_check CHECK (catch_up IN ('skip', 'latest', 'all')),
    CONSTRAINT schedules_overlap_check CHECK (overlap IN ('skip', 'queue')),
    CONSTRAINT schedules_job_check CHECK (octet_length(job::text) <= 262144)
);
CREATE INDEX schedules_due_idx ON jobctl.schedules (next_at) WHERE paused_at IS NULL;
COMMENT ON TABLE jobctl.schedules IS 'One row a schedule';
COMMENT ON COLUMN jobctl.schedules.name IS 'Name people type';
COMMENT ON COLUMN jobctl.schedules.cron IS 'Cron expression; null: an interval';
COMMENT ON COLUMN jobctl.schedules.every_s IS 'Seconds from one instant to the next; null: a cron expression';
COMMENT ON COLUMN jobctl.schedules.tz IS 'Time zone of the cron expression';
COMMENT ON COLUMN jobctl.schedules.job IS 'The job that is submitted: the fields of a submit';
COMMENT ON COLUMN jobctl.schedules.catch_up IS 'Missed instants: skip latest all';
COMMENT ON COLUMN jobctl.schedules.overlap IS 'While the previous job has not ended: skip queue';
COMMENT ON COLUMN jobctl.schedules.created_by IS 'User who added it';
COMMENT ON COLUMN jobctl.schedules.created_at IS 'When it was added; intervals are counted from here';
COMMENT ON COLUMN jobctl.schedules.paused_at IS 'When it was paused; null: it is active';
COMMENT ON COLUMN jobctl.schedules.pause_reason IS 'Why it is paused, in words';
COMMENT ON COLUMN jobctl.schedules.next_at IS 'Next instant';
COMMENT ON COLUMN jobctl.schedules.last_at IS 'Latest instant that was handled';
COMMENT ON COLUMN jobctl.schedules.last_job_id IS 'Latest job that was submitted';

ALTER TABLE jobctl.jobs ADD COLUMN expires_at TIMESTAMPTZ;
COMMENT ON COLUMN jobctl.jobs.expires_at IS 'Cancelled if it has not started by then';
CREATE INDEX jobs_expiry_idx ON jobctl.jobs (expires_at, id)
    WHERE expires_at IS NOT NULL AND started_at IS NULL AND status IN ('pending', 'paused');

-- A worker has no right to write a reason; the trigger does.
CREATE FUNCTION jobctl.name_expiry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.cancel_reason := concat('expired: not started within ', OLD.metadata ->> 'expires');
    RETURN NEW;
END $$;
CREATE TRIGGER name_expiry BEFORE UPDATE ON jobctl.jobs FOR EACH ROW
    WHEN (
        OLD.expires_at IS NOT NULL AND OLD.started_at IS NULL AND OLD.status IN ('pending', 'paused')
        AND NEW.status = 'cancelled' AND NEW.cancel_reason IS NULL AND OLD.expires_at <= jobctl.clock()
    )
    EXECUTE FUNCTION jobctl.name_expiry();
"""

DOWN = """
DROP TRIGGER name_expiry ON jobctl.jobs;
DROP FUNCTION jobctl.name_expiry();
DROP INDEX jobctl.jobs_expiry_idx;
ALTER TABLE jobctl.jobs DROP COLUMN expires_at;
DROP TABLE jobctl.schedules;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
