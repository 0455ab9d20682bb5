"""Notifications: what is to be sent to the URL of a job when it has ended.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE jobctl.notifications (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    job_id BIGINT NOT NULL,
    url TEXT NOT NULL,
    host TEXT NOT NULL,
    event JSONB DEFAULT '{}'::jsonb NOT NULL,
    tries INTEGER DEFAULT 0 NOT NULL,
    next_try_at TIMESTAMP WITH TIME ZONE DEFAULT jobctl.clock() NOT NULL,
    last_error TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT jobctl.clock() NOT NULL,
    CONSTRAINT notifications_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE jobctl.notifications IS 'Notifications that are not delivered yet';
COMMENT ON COLUMN jobctl.notifications.id IS 'Number people type';
COMMENT ON COLUMN jobctl.notifications.job_id IS 'Job; kept when the job is deleted';
COMMENT ON COLUMN jobctl.notifications.url IS 'Where to send it';
COMMENT ON COLUMN jobctl.notifications.host IS 'Host and port of the URL: one delivery at a time to each';
COMMENT ON COLUMN jobctl.notifications.event IS 'What is sent: the job as it ended';
COMMENT ON COLUMN jobctl.notifications.tries IS 'Deliveries that were begun';
COMMENT ON COLUMN jobctl.notifications.next_try_at IS 'When it is due; while it is being delivered, when another worker may try';
COMMENT ON COLUMN jobctl.notifications.last_error IS 'Why the last delivery failed';
COMMENT ON COLUMN jobctl.notifications.created_at IS 'When the job ended';
CREATE INDEX notifications_due_idx ON jobctl.notifications (next_try_at, id);
"""

# The trigger has the rights of its owner: whoever moves a job writes the notification, and nobody else has to.
# Its WHEN costs a job without a URL nothing.
FUNCTIONS = """
CREATE FUNCTION jobctl.end_event(job jobctl.jobs) RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_object(
        'v', 1, 'kind', 'job_ended', 'status', job.status, 'at', job.completed_at,
        'job', jsonb_build_object(
            'id', job.id, 'type', job.job_type, 'title', job.title, 'status', job.status, 'queue', job.queue,
            'labels', job.labels, 'key', job.idempotency_key, 'created_by', job.created_by, 'created_at', job.created_at,
            'started_at', job.started_at, 'completed_at', job.completed_at, 'retry_count', job.retry_count,
            'crash_count', job.crash_count, 'cancel_reason', job.cancel_reason,
            'error', CASE WHEN job.status = 'failed' THEN jsonb_build_object('type', job.error_type, 'message', job.error_message) END
        )
    )
$$;
COMMENT ON FUNCTION jobctl.end_event(jobctl.jobs) IS 'What a notification says of a job that has ended';

CREATE FUNCTION jobctl.notify_of_end() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO jobctl.notifications (job_id, url, host, event)
    SELECT NEW.id, u.url, coalesce(substring(u.url FROM '^[a-z]+://([^/?#]*)'), ''), jobctl.end_event(NEW)
    FROM (SELECT NEW.metadata ->> 'notify_url') AS u (url)
    WHERE u.url IS NOT NULL;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION jobctl.notify_of_end() FROM PUBLIC;
COMMENT ON FUNCTION jobctl.notify_of_end() IS 'Writes the notification of a job that has ended';

CREATE TRIGGER notify_of_end AFTER UPDATE OF status ON jobctl.jobs FOR EACH ROW WHEN (
    NEW.status IN ('completed', 'failed', 'cancelled') AND NEW.status <> OLD.status AND NEW.next_retry_at IS NULL
    AND NEW.metadata ? 'notify_url'
) EXECUTE FUNCTION jobctl.notify_of_end();
"""

DOWN = """
DROP TRIGGER notify_of_end ON jobctl.jobs;
DROP FUNCTION jobctl.notify_of_end();
DROP FUNCTION jobctl.end_event(jobctl.jobs);
DROP TABLE jobctl.notifications;
"""


def upgrade() -> None:
    op.execute(TABLE)
    op.execute(FUNCTIONS)


def downgrade() -> None:
    op.execute(DOWN)
