-- Counts by status and type, times and retries of what ended: of the newest jobs (as many ids as `within`) and, of the older
-- ones, of as many that are unfinished and as many that failed. Those that were completed longer ago are not read: their number
-- has no bound.
WITH edge AS MATERIALIZED (SELECT coalesce(max(id), 0) - %(within)s::bigint AS id FROM jobctl.jobs),
counted AS (
    SELECT job_type, status, queue, retry_count, crash_count, created_at, started_at, completed_at, run_s
    FROM jobctl.jobs WHERE id > (SELECT id FROM edge)
    UNION ALL
    (SELECT job_type, status, queue, retry_count, crash_count, created_at, started_at, completed_at, run_s
     FROM jobctl.jobs WHERE status IN ('pending', 'processing', 'paused') AND id <= (SELECT id FROM edge)
     ORDER BY id DESC LIMIT %(within)s)
    UNION ALL
    (SELECT job_type, status, queue, retry_count, crash_count, created_at, started_at, completed_at, run_s
     FROM jobctl.jobs WHERE status = 'failed' AND id <= (SELECT id FROM edge)
     ORDER BY id DESC LIMIT %(within)s)
)
SELECT
    job_type, status,
    count(*) AS jobs,
    sum(retry_count)::bigint AS retries,
    sum(crash_count)::bigint AS crashes,
    percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (
        ORDER BY greatest(0, extract(epoch FROM started_at - created_at))::float8
    ) FILTER (WHERE started_at IS NOT NULL) AS wait_s,
    percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (
        ORDER BY run_s
    ) FILTER (WHERE completed_at IS NOT NULL AND started_at IS NOT NULL) AS run_s,
    count(*) FILTER (WHERE completed_at >= jobctl.clock() - interval '1 hour') AS last_hour
FROM counted
WHERE (%(since)s::timestamptz IS NULL OR created_at >= %(since)s::timestamptz)
    AND (%(types)s::text[] IS NULL OR job_type = ANY (%(types)s::text[]))
    AND (%(queue)s::text IS NULL OR queue = %(queue)s::text)
GROUP BY job_type, status
ORDER BY job_type, status
