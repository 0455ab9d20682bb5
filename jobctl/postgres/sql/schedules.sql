-- Schedules by name; null: all. served: a live worker takes jobs of the type and queue.
SELECT
    s.name, s.cron, s.every_s, s.tz, s.job, s.catch_up, s.overlap, s.created_by, s.created_at, s.paused_at, s.pause_reason,
    s.next_at, s.last_at, s.last_job_id, j.status AS last_status, jobctl.clock() AS now,
    EXISTS (
        SELECT FROM jobctl.workers w
        WHERE
            w.stopped_at IS NULL AND NOT jobctl.silent(w.heartbeat_at, w.lease_s)
            AND w.job_types ? (s.job ->> 'job_type')
            AND (jsonb_array_length(w.queues) = 0 OR w.queues ? (s.job ->> 'queue'))
    ) AS served
FROM jobctl.schedules s LEFT JOIN jobctl.jobs j ON j.id = s.last_job_id
WHERE %(names)s::text[] IS NULL OR s.name = ANY (%(names)s::text[])
ORDER BY s.name
