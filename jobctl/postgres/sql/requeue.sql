-- Automatic retries that are due. Each row is moved once however many sweeps run: locked rows are skipped and the
-- predicate is repeated in the update.
WITH due AS MATERIALIZED (
    SELECT id FROM jobctl.jobs d
    WHERE
        status = 'failed' AND next_retry_at IS NOT NULL AND next_retry_at <= jobctl.clock()
        AND retry_count < max_retries
        -- of one idempotency key one job at a time: the others wait their turn
        AND NOT EXISTS (
            SELECT FROM jobctl.jobs o
            WHERE o.idempotency_key = d.idempotency_key AND o.id <> d.id
                AND (o.status IN ('pending', 'processing', 'paused')
                    OR (o.status = 'failed' AND o.next_retry_at <= jobctl.clock() AND o.id < d.id))
        )
    ORDER BY next_retry_at, id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
),
moved AS (
    UPDATE jobctl.jobs j
    SET
        status = 'pending',
        waiting_on = jobctl.waiting_reason(j.id, j.queue, j.job_type, j.concurrency_key),
        retry_count = j.retry_count + 1,
        next_retry_at = NULL, completed_at = NULL, updated_at = jobctl.clock()
    FROM due
    WHERE j.id = due.id AND j.status = 'failed' AND j.next_retry_at <= jobctl.clock()
    RETURNING j.id, j.retry_count, j.concurrency_key
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, from_status, to_status, actor, detail)
    SELECT id, 'requeue', 'failed', 'pending', %(actor)s, jsonb_build_object('retry', retry_count) FROM moved ORDER BY id
)
SELECT id, retry_count, concurrency_key, pg_notify('jobctl_ready', '')::text AS notified FROM moved ORDER BY id
