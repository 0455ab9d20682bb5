-- Counts by status and type, times and retries of what ended since a moment.
SELECT
    job_type, status,
    count(*) AS jobs,
    sum(retry_count)::bigint AS retries,
    sum(crash_count)::bigint AS crashes,
    percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (
        ORDER BY greatest(0, extract(epoch FROM started_at - created_at))
    ) FILTER (WHERE started_at IS NOT NULL) AS wait_s,
    percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (
        ORDER BY run_s
    ) FILTER (WHERE completed_at IS NOT NULL AND started_at IS NOT NULL) AS run_s,
    count(*) FILTER (WHERE completed_at >= jobctl.clock() - interval '1 hour') AS last_hour
FROM jobctl.jobs
WHERE (%(since)s::timestamptz IS NULL OR created_at >= %(since)s::timestamptz)
    AND (%(types)s::text[] IS NULL OR job_type = ANY (%(types)s::text[]))
    AND (%(queue)s::text IS NULL OR queue = %(queue)s::text)
GROUP BY job_type, status
ORDER BY job_type, status
