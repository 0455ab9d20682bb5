-- Returns paused jobs to the queue; withdraws a pause that is only requested.
WITH target AS MATERIALIZED (
    SELECT id, status, retry_count, max_retries, pause_requested_at, cancel_requested_at, concurrency_key, pause_freezes
    FROM jobctl.jobs WHERE id = ANY (%(ids)s) ORDER BY id FOR UPDATE
),
moved AS (
    UPDATE jobctl.jobs j
    SET
        status = CASE WHEN t.status = 'paused' THEN 'pending' ELSE j.status END,
        waiting_on = CASE WHEN t.status = 'paused'
            THEN jobctl.waiting_reason(j.id, j.queue, j.job_type, j.concurrency_key) ELSE j.waiting_on END,
        resume_count = j.resume_count + CASE WHEN t.status = 'paused' THEN 1 ELSE 0 END,
        resumed_at = CASE WHEN t.status = 'paused' THEN jobctl.clock() ELSE j.resumed_at END,
        pause_requested_at = NULL, pause_reason = NULL,
        last_checkpoint_path = CASE WHEN %(from_start)s AND t.status = 'paused' THEN NULL ELSE j.last_checkpoint_path END,
        last_checkpoint_stage = CASE WHEN %(from_start)s AND t.status = 'paused' THEN NULL ELSE j.last_checkpoint_stage END,
        checkpoint_hash = CASE WHEN %(from_start)s AND t.status = 'paused' THEN NULL ELSE j.checkpoint_hash END,
        updated_at = jobctl.clock()
    FROM target t
    WHERE
        j.id = t.id
        AND (t.status = 'paused'
            OR (t.status = 'processing' AND t.pause_requested_at IS NOT NULL AND t.cancel_requested_at IS NULL))
    RETURNING j.id, j.status, j.waiting_on
),
forgotten AS (
    DELETE FROM jobctl.checkpoints c USING moved m
    WHERE c.job_id = m.id AND m.status = 'pending' AND %(from_start)s
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, from_status, to_status, actor, detail)
    SELECT
        id,
        CASE status WHEN 'pending' THEN 'resume' ELSE 'pause_withdrawn' END,
        CASE status WHEN 'pending' THEN 'paused' END,
        CASE status WHEN 'pending' THEN 'pending' END,
        %(actor)s, CASE WHEN %(from_start)s THEN '{"from_start": true}'::jsonb ELSE '{}'::jsonb END
    FROM moved ORDER BY id
)
SELECT
    t.id, t.status AS was, t.retry_count, t.max_retries, t.concurrency_key,
    t.pause_requested_at IS NOT NULL AS pausing, t.pause_requested_at IS NOT NULL AND t.pause_freezes AS freezing, t.cancel_requested_at IS NOT NULL AS cancelling,
    CASE
        WHEN m.id IS NOT NULL THEN 'done'
        WHEN t.status IN ('pending', 'processing') AND t.cancel_requested_at IS NULL THEN 'unchanged'
        ELSE 'refused'
    END AS answer,
    CASE
        WHEN m.status = 'pending' AND m.waiting_on IS NULL THEN pg_notify('jobctl_ready', '')::text
        WHEN m.status = 'processing' THEN pg_notify('jobctl_control', t.id::text)::text
    END AS notified
FROM target t LEFT JOIN moved m USING (id)
ORDER BY t.id
