-- Whether a sweep has something to do: a lease that ended, a retry, an expiry or a schedule that is due, a job that waits for a
-- concurrency key or was made due later by a clock that was set back. And what decides when the next sweep comes. Seconds until the next lease of any worker ends, and until the next instant of any
-- schedule; null without one. What has passed is not awaited: the sweep before has handled it, or may not yet. Whether a
-- notification is due, and the removal of old jobs; whether the schema was upgraded beyond what this program can work with; and
-- the workers of this machine, by which a sweep knows which of them have ended.
SELECT
    (
        EXISTS (
            SELECT FROM jobctl.jobs j LEFT JOIN jobctl.workers w ON w.id = j.worker_id
            WHERE j.status = 'processing' AND (
                j.lease_expires_at < jobctl.clock()
                OR j.lease_expires_at > jobctl.clock() + make_interval(secs => 2 * coalesce(w.lease_s, 30))
            )
        )
        OR EXISTS (SELECT FROM jobctl.jobs WHERE status = 'failed' AND next_retry_at <= jobctl.clock())
        OR EXISTS (
            SELECT FROM jobctl.jobs
            WHERE expires_at IS NOT NULL AND started_at IS NULL AND status IN ('pending', 'paused') AND expires_at <= jobctl.clock()
        )
        OR EXISTS (SELECT FROM jobctl.schedules WHERE paused_at IS NULL AND next_at <= jobctl.clock())
        OR EXISTS (SELECT FROM jobctl.jobs WHERE status = 'pending' AND waiting_on = 'key')
        OR EXISTS (
            SELECT FROM jobctl.jobs
            WHERE status = 'pending' AND run_after - created_at <= interval '1 second' AND run_after > jobctl.clock()
        )
    ) AS work_due,
    (
        SELECT extract(epoch FROM min(lease_expires_at) - jobctl.clock())::double precision
        FROM jobctl.jobs
        WHERE status = 'processing' AND lease_expires_at > jobctl.clock()
    ) AS lease_end,
    (
        SELECT extract(epoch FROM min(next_at) - jobctl.clock())::double precision
        FROM jobctl.schedules
        WHERE paused_at IS NULL AND next_at > jobctl.clock()
    ) AS next_schedule,
    EXISTS (SELECT FROM jobctl.notifications WHERE next_try_at <= jobctl.clock()) AS notifications_due,
    EXISTS (SELECT FROM jobctl.retention WHERE next_at <= jobctl.clock()) AS retention_due,
    EXISTS (SELECT FROM jobctl.compatibility WHERE serves > %(revision)s) AS outdated,
    coalesce((
        SELECT jsonb_agg(jsonb_build_object('worker', w.id, 'pid', w.pid, 'start', w.process_start) ORDER BY w.id)
        FROM jobctl.workers w
        WHERE w.stopped_at IS NULL AND w.boot_id = %(boot_id)s AND w.pid_namespace = %(pid_namespace)s
            AND w.heartbeat_at > jobctl.clock() - greatest(interval '1 hour', make_interval(secs => 2 * w.lease_s))
    ), '[]') AS neighbours
