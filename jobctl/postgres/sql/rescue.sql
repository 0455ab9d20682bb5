-- Takes jobs back whose lease ran out. Never within one lease length after the server itself came up: its absence is
-- nobody's crash. `wait` ends a race between two sweeps: the second skips what the first has locked.
WITH lost AS MATERIALIZED (
    SELECT
        id, lease_seq, worker_id, crash_count,
        CASE
            WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
            WHEN crash_count + 1 >= %(max_crashes)s THEN 'failed'
            WHEN pause_requested_at IS NOT NULL THEN 'paused'
            ELSE 'pending'
        END AS next
    FROM jobctl.jobs
    WHERE
        status = 'processing' AND lease_expires_at < jobctl.clock()
        AND jobctl.clock() > pg_postmaster_start_time() + make_interval(secs => %(ttl)s)
    ORDER BY id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
),
moved AS (
    UPDATE jobctl.jobs j
    SET
        status = lost.next,
        waiting_on = CASE WHEN lost.next = 'pending'
            THEN jobctl.waiting_reason(j.id, j.queue, j.job_type, j.concurrency_key) END,
        crash_count = j.crash_count + 1,
        lease_id = NULL, lease_expires_at = NULL, pause_requested_at = NULL, cancel_requested_at = NULL,
        updated_at = jobctl.clock(),
        completed_at = CASE WHEN lost.next IN ('failed', 'cancelled') THEN jobctl.clock() END,
        paused_at = CASE WHEN lost.next = 'paused' THEN jobctl.clock() ELSE j.paused_at END,
        error_type = CASE WHEN lost.next = 'failed' THEN 'permanent' ELSE j.error_type END,
        error_message = CASE WHEN lost.next = 'failed'
            THEN format('Stopped: its worker was lost %%s times while it ran.', j.crash_count + 1)
            ELSE j.error_message END,
        last_error = CASE WHEN lost.next = 'failed' THEN 'lease expired' ELSE j.last_error END,
        error_trace = CASE WHEN lost.next = 'failed' THEN NULL ELSE j.error_trace END
    FROM lost
    WHERE j.id = lost.id AND j.status = 'processing' AND j.lease_seq = lost.lease_seq
    RETURNING j.id, j.lease_seq, j.status, j.concurrency_key, j.waiting_on, j.crash_count, lost.worker_id
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, from_status, to_status, actor, lease_seq, detail)
    SELECT
        id, CASE status WHEN 'failed' THEN 'abandon' ELSE 'rescue' END, 'processing', status, %(actor)s, lease_seq,
        jsonb_build_object('worker', worker_id, 'crash_count', crash_count, 'reason', 'lease expired')
    FROM moved ORDER BY id
)
SELECT id, status, concurrency_key, CASE WHEN status = 'pending' THEN pg_notify('jobctl_ready', '')::text END AS notified
FROM moved
ORDER BY id
