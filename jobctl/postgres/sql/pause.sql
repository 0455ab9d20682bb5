-- Pauses pending jobs; records a request on running ones. answer: done, requested, unchanged, refused.
WITH target AS MATERIALIZED (
    SELECT id, status, retry_count, max_retries, pause_requested_at, cancel_requested_at, progress, concurrency_key
    FROM jobctl.jobs WHERE id = ANY (%(ids)s) ORDER BY id FOR UPDATE
),
moved AS (
    UPDATE jobctl.jobs j
    SET
        status = CASE WHEN t.status = 'pending' THEN 'paused' ELSE j.status END,
        waiting_on = CASE WHEN t.status = 'pending' THEN NULL ELSE j.waiting_on END,
        paused_at = CASE WHEN t.status = 'pending' THEN jobctl.clock() ELSE j.paused_at END,
        pause_requested_at = CASE WHEN t.status = 'processing' THEN jobctl.clock() END,
        pause_reason = %(reason)s,
        updated_at = jobctl.clock()
    FROM target t
    WHERE
        j.id = t.id
        AND (t.status = 'pending'
            OR (t.status = 'processing' AND t.pause_requested_at IS NULL AND t.cancel_requested_at IS NULL))
    RETURNING j.id, j.status
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, from_status, to_status, actor, detail)
    SELECT
        id,
        CASE status WHEN 'paused' THEN 'hold' ELSE 'pause_requested' END,
        CASE status WHEN 'paused' THEN 'pending' END,
        CASE status WHEN 'paused' THEN 'paused' END,
        %(actor)s, jsonb_strip_nulls(jsonb_build_object('reason', %(reason)s::text))
    FROM moved ORDER BY id
)
SELECT
    t.id, t.status AS was, t.retry_count, t.max_retries, t.progress, t.concurrency_key,
    t.pause_requested_at IS NOT NULL AS pausing, t.cancel_requested_at IS NOT NULL AS cancelling,
    CASE
        WHEN m.status = 'paused' THEN 'done'
        WHEN m.id IS NOT NULL THEN 'requested'
        WHEN t.status = 'paused' OR (t.pause_requested_at IS NOT NULL AND t.cancel_requested_at IS NULL) THEN 'unchanged'
        ELSE 'refused'
    END AS answer,
    CASE WHEN m.status = 'processing' THEN pg_notify('jobctl_control', t.id::text)::text END AS notified
FROM target t LEFT JOIN moved m USING (id)
ORDER BY t.id
