-- The workers and their jobs.
SELECT
    w.id, w.name, w.host, w.pid, w.version, w.capacity, w.job_types, w.queues, w.started_at, w.heartbeat_at,
    w.draining_at, w.stopped_at, w.lease_s, jobctl.silent(w.heartbeat_at, w.lease_s) AS silent,
    greatest(0, extract(epoch FROM jobctl.clock() - w.heartbeat_at))::float8 AS heartbeat_age_s, w.storage_away,
    coalesce((
        SELECT array_agg(j.id ORDER BY j.id) FROM jobctl.jobs j WHERE j.status = 'processing' AND j.worker_id = w.id
    ), '{}') AS jobs
FROM jobctl.workers w
WHERE %(all)s OR (w.stopped_at IS NULL AND w.heartbeat_at > jobctl.clock() - greatest(interval '1 hour', make_interval(secs => 2 * w.lease_s)))
ORDER BY w.id
