-- Failures by class and type, and how many recovered by a retry: of the newest ones, as many as `failures`.
SELECT
    j.job_type, e.detail ->> 'error_type' AS error_type, count(*) AS failures,
    count(DISTINCT e.job_id) AS jobs,
    count(DISTINCT e.job_id) FILTER (WHERE j.status = 'completed') AS recovered
FROM (
    SELECT job_id, detail, at FROM jobctl.events
    WHERE kind IN ('fail', 'abandon') OR (kind = 'pause' AND detail ? 'error_type')
    ORDER BY id DESC LIMIT %(failures)s
) e
JOIN jobctl.jobs j ON j.id = e.job_id
WHERE (%(since)s::timestamptz IS NULL OR e.at >= %(since)s::timestamptz)
    AND (%(types)s::text[] IS NULL OR j.job_type = ANY (%(types)s::text[]))
    AND (%(queue)s::text IS NULL OR j.queue = %(queue)s::text)
GROUP BY 1, 2
ORDER BY 1, 2
