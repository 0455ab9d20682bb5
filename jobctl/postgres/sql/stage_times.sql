-- How long the stages of recently completed jobs took, by type: from one checkpoint to the next, in one attempt. Of the jobs
-- with the newest ids, as many as `within`.
WITH edge AS MATERIALIZED (SELECT coalesce(max(id), 0) - %(within)s::bigint AS id FROM jobctl.jobs),
recent AS MATERIALIZED (
    SELECT id, job_type, started_at FROM jobctl.jobs
    WHERE status = 'completed' AND id > (SELECT id FROM edge)
        AND (%(since)s::timestamptz IS NULL OR created_at >= %(since)s::timestamptz)
        AND (%(types)s::text[] IS NULL OR job_type = ANY (%(types)s::text[]))
        AND (%(queue)s::text IS NULL OR queue = %(queue)s::text)
    ORDER BY id DESC
    LIMIT 2000
),
stages AS (
    SELECT job_id, job_type, stage, sum(seconds) AS seconds
    FROM (
        SELECT
            c.job_id, r.job_type, c.stage,
            extract(epoch FROM c.created_at - coalesce(
                lag(c.created_at) OVER (PARTITION BY c.job_id, c.lease_seq ORDER BY c.seq),
                CASE WHEN c.lease_seq = 1 THEN r.started_at END  -- the begin of a later attempt is not kept
            ))::double precision AS seconds
        FROM recent r JOIN jobctl.checkpoints c ON c.job_id = r.id
    ) AS segments
    WHERE seconds IS NOT NULL
    GROUP BY job_id, job_type, stage
)
SELECT
    job_type, stage, count(*) AS jobs,
    percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY greatest(0, seconds)) AS run_s
FROM stages
GROUP BY job_type, stage
ORDER BY percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) DESC
LIMIT 20
