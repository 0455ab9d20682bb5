-- How long completed jobs ran, by decade, and how many ended in each of the last 24 hours (0: the current one): of those that
-- ended last, as many as `within`.
WITH ended AS (
    SELECT status, completed_at, CASE WHEN started_at IS NOT NULL THEN run_s END AS run_s
    FROM (
        SELECT * FROM jobctl.jobs
        WHERE status IN ('completed', 'failed', 'cancelled') AND completed_at IS NOT NULL
        ORDER BY completed_at DESC, id DESC LIMIT %(within)s
    ) latest
    WHERE (%(since)s::timestamptz IS NULL OR created_at >= %(since)s::timestamptz)
        AND (%(types)s::text[] IS NULL OR job_type = ANY (%(types)s::text[]))
        AND (%(queue)s::text IS NULL OR queue = %(queue)s::text)
)
SELECT 'run' AS histogram, width_bucket(run_s, ARRAY[0.1, 1, 10, 60, 600, 3600, 21600]::float8[]) AS position, count(*) AS jobs
FROM ended WHERE status = 'completed' AND run_s IS NOT NULL
GROUP BY 2
UNION ALL
SELECT 'hour', floor(extract(epoch FROM jobctl.clock() - completed_at) / 3600)::int, count(*)
FROM ended WHERE completed_at > jobctl.clock() - interval '24 hours'
GROUP BY 2
ORDER BY 1, 2
