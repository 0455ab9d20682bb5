-- From scratch: checkpoints and output removed, counters at zero.
WITH target AS MATERIALIZED (
    SELECT id, status, retry_count, max_retries, idempotency_key, concurrency_key, pause_requested_at, cancel_requested_at
    FROM jobctl.jobs WHERE id = ANY (%(ids)s) ORDER BY id FOR UPDATE
),
-- jobs with the same idempotency key that are not finished, or come first in this request
holder AS MATERIALIZED (
    SELECT DISTINCT ON (t.id) t.id, o.id AS holder
    FROM target t JOIN jobctl.jobs o ON o.idempotency_key = t.idempotency_key AND o.id <> t.id
    WHERE o.status IN ('pending', 'processing', 'paused')
        OR (o.id < t.id AND o.status IN ('failed', 'cancelled', 'completed') AND o.id = ANY (%(ids)s))
    ORDER BY t.id, o.id
),
moved AS (
    UPDATE jobctl.jobs j
    SET
        status = 'pending',
        waiting_on = jobctl.waiting_reason(j.id, j.queue, j.job_type, j.concurrency_key),
        retry_count = 0, crash_count = 0, resume_count = 0,
        next_retry_at = NULL, completed_at = NULL, expires_at = NULL, started_at = NULL, attempt_started_at = NULL, run_s = 0,
        paused_at = NULL, resumed_at = NULL, pause_reason = NULL, cancel_reason = NULL,
        output_data = NULL, result_path = NULL, result_sha256 = NULL, result_size = NULL, progress = '{}'::jsonb,
        error_type = NULL, error_message = NULL, last_error = NULL, error_trace = NULL,
        last_checkpoint_path = NULL, last_checkpoint_stage = NULL, checkpoint_hash = NULL,
        updated_at = jobctl.clock()
    FROM target t
    WHERE j.id = t.id AND t.status IN ('failed', 'cancelled', 'completed')
        AND NOT EXISTS (SELECT FROM holder h WHERE h.id = t.id)
    RETURNING j.id, j.waiting_on
),
forgotten AS (
    DELETE FROM jobctl.checkpoints c USING moved m WHERE c.job_id = m.id
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, from_status, to_status, actor)
    SELECT m.id, 'restart', t.status, 'pending', %(actor)s FROM moved m JOIN target t USING (id) ORDER BY m.id
)
SELECT
    t.id, t.status AS was, t.retry_count, t.max_retries, t.concurrency_key,
    t.pause_requested_at IS NOT NULL AS pausing, t.cancel_requested_at IS NOT NULL AS cancelling, h.holder,
    CASE WHEN m.id IS NOT NULL THEN 'done' ELSE 'refused' END AS answer,
    CASE WHEN m.id IS NOT NULL AND m.waiting_on IS NULL THEN pg_notify('jobctl_ready', '')::text END AS notified
FROM target t LEFT JOIN moved m USING (id) LEFT JOIN holder h USING (id)
ORDER BY t.id
