-- The state of the queue and of the server, in one row.
SELECT
    clock_timestamp() AS server_time,
    (SELECT count(*) FROM jobctl.jobs j LEFT JOIN jobctl.workers w ON w.id = j.worker_id
     WHERE j.status = 'processing' AND (
         j.lease_expires_at < jobctl.clock()
         OR j.lease_expires_at > jobctl.clock() + make_interval(secs => 2 * coalesce(w.lease_s, 30))
     )) AS stale,
    (SELECT count(*) FROM jobctl.jobs
     WHERE status = 'failed' AND next_retry_at < jobctl.clock() - interval '5 minutes') AS overdue,
    (SELECT coalesce(jsonb_agg(DISTINCT kind || ' ' || name), '[]') FROM jobctl.holds) AS paused,
    (SELECT coalesce(jsonb_agg(DISTINCT j.job_type), '[]')
     FROM (
         SELECT job_type, queue, run_after, created_at FROM jobctl.jobs
         WHERE status = 'pending' AND waiting_on IS NULL ORDER BY id LIMIT 10000
     ) j
     WHERE (j.run_after <= jobctl.clock() OR j.run_after - j.created_at <= interval '1 second') AND NOT EXISTS (
         SELECT FROM jobctl.workers w
         WHERE w.stopped_at IS NULL AND NOT jobctl.silent(w.heartbeat_at, w.lease_s)
             AND w.job_types ? j.job_type AND (w.queues = '[]'::jsonb OR w.queues ? j.queue)
     )) AS unserved,
    (SELECT count(*) FROM jobctl.workers WHERE stopped_at IS NULL AND NOT jobctl.silent(heartbeat_at, lease_s)) AS alive,
    -- seconds by which the newest row is in the future: the clock was set back by at least as much
    (SELECT greatest(0, extract(epoch FROM max(at) - jobctl.clock()))::float8 FROM (
        (SELECT at FROM jobctl.events ORDER BY id DESC LIMIT 1000)
        UNION ALL
        (SELECT heartbeat_at FROM jobctl.workers WHERE stopped_at IS NULL)
        UNION ALL
        (SELECT heartbeat_at FROM jobctl.jobs WHERE status = 'processing')
        UNION ALL
        (SELECT run_after FROM jobctl.jobs
         WHERE status = 'pending' AND run_after - created_at <= interval '1 second' ORDER BY run_after DESC LIMIT 1)
    ) written) AS ahead_s,
    (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend') AS oldest_transaction_s
