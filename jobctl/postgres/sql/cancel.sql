-- Cancels jobs that are not running; records a request on running ones.
WITH target AS MATERIALIZED (
    SELECT id, status, retry_count, max_retries, pause_requested_at, cancel_requested_at, progress, concurrency_key
    FROM jobctl.jobs WHERE id = ANY (%(ids)s) ORDER BY id FOR UPDATE
),
moved AS (
    UPDATE jobctl.jobs j
    SET
        status = CASE WHEN t.status = 'processing' THEN j.status ELSE 'cancelled' END,
        waiting_on = NULL,
        next_retry_at = NULL,
        completed_at = CASE WHEN t.status = 'processing' THEN NULL ELSE jobctl.clock() END,
        cancel_requested_at = CASE WHEN t.status = 'processing' THEN jobctl.clock() END,
        cancel_reason = %(reason)s,
        updated_at = jobctl.clock()
    FROM target t
    WHERE
        j.id = t.id
        AND (t.status IN ('pending', 'paused', 'failed')
            OR (t.status = 'processing' AND t.cancel_requested_at IS NULL))
    RETURNING j.id, j.status
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, from_status, to_status, actor, detail)
    SELECT
        m.id,
        CASE m.status WHEN 'cancelled' THEN 'cancel' ELSE 'cancel_requested' END,
        CASE m.status WHEN 'cancelled' THEN t.status END,
        CASE m.status WHEN 'cancelled' THEN 'cancelled' END,
        %(actor)s, jsonb_strip_nulls(jsonb_build_object('reason', %(reason)s::text))
    FROM moved m JOIN target t USING (id) ORDER BY m.id
)
SELECT
    t.id, t.status AS was, t.retry_count, t.max_retries, t.progress, t.concurrency_key,
    t.pause_requested_at IS NOT NULL AS pausing, t.cancel_requested_at IS NOT NULL AS cancelling,
    CASE
        WHEN m.status = 'cancelled' THEN 'done'
        WHEN m.id IS NOT NULL THEN 'requested'
        WHEN t.status = 'cancelled' OR t.cancel_requested_at IS NOT NULL THEN 'unchanged'
        ELSE 'refused'
    END AS answer,
    CASE WHEN m.status = 'processing' THEN pg_notify('jobctl_control', t.id::text)::text END AS notified
FROM target t LEFT JOIN moved m USING (id)
ORDER BY t.id
