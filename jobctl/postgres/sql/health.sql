-- What a person should know of the queue and of the server, in one row.
SELECT
    clock_timestamp() AS server_time,
    (SELECT count(*) FROM jobctl.jobs WHERE status = 'processing' AND lease_expires_at < jobctl.clock()) AS stale,
    (SELECT count(*) FROM jobctl.jobs
     WHERE status = 'failed' AND next_retry_at < jobctl.clock() - interval '5 minutes') AS overdue,
    (SELECT coalesce(jsonb_agg(DISTINCT kind || ' ' || name), '[]') FROM jobctl.holds) AS held,
    (SELECT coalesce(jsonb_agg(DISTINCT j.job_type), '[]')
     FROM (
         SELECT job_type, queue, run_after FROM jobctl.jobs
         WHERE status = 'pending' AND waiting_on IS NULL ORDER BY id LIMIT 10000
     ) j
     WHERE j.run_after <= jobctl.clock() AND NOT EXISTS (
         SELECT FROM jobctl.workers w
         WHERE w.stopped_at IS NULL AND w.heartbeat_at > jobctl.clock() - interval '12 seconds'
             AND w.job_types ? j.job_type AND (w.queues = '[]'::jsonb OR w.queues ? j.queue)
     )) AS unserved,
    (SELECT count(*) FROM jobctl.workers
     WHERE stopped_at IS NULL AND heartbeat_at > jobctl.clock() - interval '12 seconds') AS alive,
    (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend') AS oldest_transaction_s
