-- Changes a job that waits, in one statement against a claim: only while it is pending or paused. A null leaves a value as
-- it is. An input is replaced only where it still is what the new one was made of, and no checkpoint was made from it.
WITH target AS MATERIALIZED (
    SELECT
        id, status, retry_count, max_retries, pause_requested_at, cancel_requested_at, progress, concurrency_key,
        last_checkpoint_path IS NOT NULL AS begun, input_data
    FROM jobctl.jobs WHERE id = %(id)s FOR UPDATE
),
moved AS (
    UPDATE jobctl.jobs j
    SET
        priority = coalesce(%(priority)s::smallint, j.priority),
        queue = coalesce(%(queue)s::text, j.queue),
        title = coalesce(%(title)s::text, j.title),
        max_retries = coalesce(%(max_retries)s::int, j.max_retries),
        run_after = coalesce(%(run_after)s::timestamptz, j.run_after),
        input_data = coalesce(%(input)s::jsonb, j.input_data),
        metadata = j.metadata || coalesce(%(metadata)s::jsonb, '{}'),
        concurrency_key = CASE WHEN %(input)s::jsonb IS NULL THEN j.concurrency_key ELSE %(key)s::text END,
        waiting_on = CASE WHEN j.status = 'pending' THEN jobctl.waiting_reason(
            j.id, coalesce(%(queue)s::text, j.queue), j.job_type,
            CASE WHEN %(input)s::jsonb IS NULL THEN j.concurrency_key ELSE %(key)s::text END
        ) END,
        updated_at = jobctl.clock()
    FROM target t
    WHERE
        j.id = t.id AND j.status IN ('pending', 'paused')
        AND (%(input)s::jsonb IS NULL OR (j.last_checkpoint_path IS NULL AND j.input_data = %(seen)s::jsonb))
    RETURNING j.id, j.concurrency_key, j.status
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, actor, detail)
    SELECT id, 'edit', %(actor)s, jsonb_build_object('changed', %(changed)s::text[]) FROM moved
)
SELECT
    t.id, t.status AS was, t.retry_count, t.max_retries, t.progress,
    coalesce(m.concurrency_key, t.concurrency_key) AS concurrency_key, t.begun,
    t.pause_requested_at IS NOT NULL AS pausing, t.cancel_requested_at IS NOT NULL AS cancelling,
    CASE WHEN m.id IS NOT NULL THEN 'done' ELSE 'refused' END AS answer,
    CASE WHEN m.status = 'pending' THEN pg_notify('jobctl_ready', '')::text END AS notified
FROM target t LEFT JOIN moved m USING (id)
