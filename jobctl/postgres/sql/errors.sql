-- Failures by class and type, and how many recovered by a retry.
SELECT
    job_type, detail ->> 'error_type' AS error_type, count(*) AS failures,
    count(DISTINCT job_id) AS jobs,
    count(DISTINCT job_id) FILTER (
        WHERE EXISTS (SELECT FROM jobctl.jobs j WHERE j.id = e.job_id AND j.status = 'completed')
    ) AS recovered
FROM (
    SELECT f.job_id, f.detail, j.job_type
    FROM jobctl.events f JOIN jobctl.jobs j ON j.id = f.job_id
    WHERE (f.kind IN ('fail', 'abandon') OR (f.kind = 'pause' AND f.detail ? 'error_type'))
        AND (%(since)s::timestamptz IS NULL OR f.at >= %(since)s::timestamptz)
        AND (%(types)s::text[] IS NULL OR j.job_type = ANY (%(types)s::text[]))
        AND (%(queue)s::text IS NULL OR j.queue = %(queue)s::text)
) e
GROUP BY 1, 2
ORDER BY 1, 2
