-- Requeues jobs whose lease ended, and those of workers whose process has ended: `gone`. Never within one lease length after
-- the server itself started, or another one was found in its place: an outage is not a crash. A lease that ends more than two leases ahead was set before the clock was set back: it is void,
-- and not charged. Never the jobs that the asking worker holds itself (`held`): it is alive, and its next heartbeat renews them,
-- however long this sweep had to wait. Of two sweeps at once the second skips what the first has locked.
WITH found AS (
    INSERT INTO jobctl.server (system_id, timeline, since)
    SELECT i.system_id, i.timeline, '-infinity'
    FROM jobctl.server_identity() i
    WHERE i.system_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM jobctl.server s WHERE s.system_id = i.system_id AND s.timeline = i.timeline)
    ON CONFLICT (single) DO UPDATE
        SET system_id = excluded.system_id, timeline = excluded.timeline, since = jobctl.clock()
    RETURNING since
),
lost AS MATERIALIZED (
    SELECT
        j.id, j.lease_seq, j.worker_id, t.crashes,
        CASE
            WHEN j.cancel_requested_at IS NOT NULL THEN 'cancelled'
            WHEN t.crashes >= %(max_crashes)s THEN 'failed'
            WHEN j.pause_requested_at IS NOT NULL THEN 'paused'
            ELSE 'pending'
        END AS next,
        CASE
            WHEN g.gone THEN 'the process of its worker has ended'
            WHEN t.void THEN 'the clock was set back'
            ELSE 'lease expired'
        END AS reason
    FROM jobctl.jobs j
    LEFT JOIN jobctl.workers w ON w.id = j.worker_id
    CROSS JOIN LATERAL (SELECT make_interval(secs => coalesce(w.lease_s, %(ttl)s))) AS l (lease)
    CROSS JOIN LATERAL (SELECT coalesce(j.worker_id = ANY (%(gone)s::bigint[]), false)) AS g (gone)
    CROSS JOIN LATERAL (SELECT NOT g.gone AND j.lease_expires_at > jobctl.clock() + 2 * l.lease) AS v (void)
    CROSS JOIN (SELECT coalesce((SELECT since FROM found), (SELECT since FROM jobctl.server), '-infinity')) AS s (since)
    CROSS JOIN LATERAL (SELECT v.void, j.crash_count + CASE WHEN v.void THEN 0 ELSE 1 END) AS t (void, crashes)
    WHERE
        j.status = 'processing'
        AND NOT j.id = ANY (%(held)s::bigint[])
        AND (g.gone OR t.void OR (
            j.lease_expires_at < jobctl.clock()
            AND jobctl.clock() NOT BETWEEN pg_postmaster_start_time() AND pg_postmaster_start_time() + l.lease
            AND jobctl.clock() NOT BETWEEN s.since AND s.since + l.lease
        ))
    ORDER BY j.id
    LIMIT %(limit)s
    FOR UPDATE OF j SKIP LOCKED
),
moved AS (
    UPDATE jobctl.jobs j
    SET
        status = lost.next,
        waiting_on = CASE WHEN lost.next = 'pending'
            THEN jobctl.waiting_reason(j.id, j.queue, j.job_type, j.concurrency_key) END,
        crash_count = lost.crashes,
        -- its worker ran until the last heartbeat
        run_s = j.run_s + greatest(0, extract(epoch FROM j.heartbeat_at - j.attempt_started_at)),
        lease_id = NULL, lease_expires_at = NULL, pause_requested_at = NULL, cancel_requested_at = NULL,
        updated_at = jobctl.clock(),
        completed_at = CASE WHEN lost.next IN ('failed', 'cancelled') THEN jobctl.clock() END,
        paused_at = CASE WHEN lost.next = 'paused' THEN jobctl.clock() ELSE j.paused_at END,
        error_type = CASE WHEN lost.next = 'failed' THEN 'permanent' ELSE j.error_type END,
        error_message = CASE WHEN lost.next = 'failed'
            THEN format('Stopped: its worker was lost %%s times while it ran.', lost.crashes)
            ELSE j.error_message END,
        last_error = CASE WHEN lost.next = 'failed' THEN lost.reason ELSE j.last_error END,
        error_trace = CASE WHEN lost.next = 'failed' THEN NULL ELSE j.error_trace END
    FROM lost
    WHERE j.id = lost.id AND j.status = 'processing' AND j.lease_seq = lost.lease_seq
    RETURNING j.id, j.lease_seq, j.status, j.concurrency_key, j.waiting_on, j.crash_count, lost.worker_id, lost.reason
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, from_status, to_status, actor, lease_seq, detail)
    SELECT
        id, CASE status WHEN 'failed' THEN 'abandon' ELSE 'rescue' END, 'processing', status, %(actor)s, lease_seq,
        jsonb_build_object('worker', worker_id, 'crash_count', crash_count, 'reason', reason)
    FROM moved ORDER BY id
)
SELECT id, status, concurrency_key, CASE WHEN status = 'pending' THEN pg_notify('jobctl_ready', '')::text END AS notified
FROM moved
ORDER BY id
