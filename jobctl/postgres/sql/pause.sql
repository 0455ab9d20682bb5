-- Pauses pending jobs; records a request on running ones. answer: done, requested, unchanged, refused.
-- freezes: a running job is stopped where it is, instead of at its next safe point, also where that was requested before.
WITH target AS MATERIALIZED (
    SELECT
        id, status, retry_count, max_retries, pause_requested_at, cancel_requested_at, progress, concurrency_key,
        pause_requested_at IS NOT NULL AND pause_freezes AS freezing
    FROM jobctl.jobs WHERE id = ANY (%(ids)s) ORDER BY id FOR UPDATE
),
moved AS (
    UPDATE jobctl.jobs j
    SET
        status = CASE WHEN t.status = 'pending' THEN 'paused' ELSE j.status END,
        waiting_on = CASE WHEN t.status = 'pending' THEN NULL ELSE j.waiting_on END,
        paused_at = CASE WHEN t.status = 'pending' THEN jobctl.clock() ELSE j.paused_at END,
        pause_requested_at = CASE WHEN t.status = 'processing' THEN jobctl.clock() END,
        pause_freezes = t.status = 'processing' AND coalesce(%(freezes)s::boolean, false),
        pause_reason = %(reason)s,
        updated_at = jobctl.clock()
    FROM target t
    WHERE
        j.id = t.id
        AND (t.status = 'pending'
            OR (t.status = 'processing' AND t.cancel_requested_at IS NULL AND (
                t.pause_requested_at IS NULL OR (%(freezes)s::boolean AND NOT t.freezing)
            )))
    RETURNING j.id, j.status
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, from_status, to_status, actor, detail)
    SELECT
        id,
        CASE status WHEN 'paused' THEN 'hold' ELSE 'pause_requested' END,
        CASE status WHEN 'paused' THEN 'pending' END,
        CASE status WHEN 'paused' THEN 'paused' END,
        %(actor)s, jsonb_strip_nulls(jsonb_build_object(
            'reason', %(reason)s::text, 'freeze', CASE WHEN status = 'processing' THEN nullif(%(freezes)s::boolean, false) END
        ))
    FROM moved ORDER BY id
)
SELECT
    t.id, t.status AS was, t.retry_count, t.max_retries, t.progress, t.concurrency_key,
    t.pause_requested_at IS NOT NULL AS pausing, t.freezing, t.cancel_requested_at IS NOT NULL AS cancelling,
    CASE
        WHEN m.status = 'paused' THEN 'done'
        WHEN m.id IS NOT NULL THEN 'requested'
        WHEN t.status = 'paused' OR (t.pause_requested_at IS NOT NULL AND t.cancel_requested_at IS NULL) THEN 'unchanged'
        ELSE 'refused'
    END AS answer,
    CASE WHEN m.status = 'processing' THEN pg_notify('jobctl_control', t.id::text)::text END AS notified
FROM target t LEFT JOIN moved m USING (id)
ORDER BY t.id
