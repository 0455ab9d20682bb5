-- The queues that have claimable work: a loose index scan, one probe a queue. And what is set for queues and job types, few rows,
-- each with whether it concerns a claimable job.
WITH RECURSIVE target AS (
    (
        SELECT queue FROM jobctl.jobs
        WHERE status = 'pending' AND waiting_on IS NULL ORDER BY queue LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT j.queue FROM jobctl.jobs j
        WHERE j.status = 'pending' AND j.waiting_on IS NULL AND j.queue > target.queue ORDER BY j.queue LIMIT 1
    )
    FROM target WHERE target.queue IS NOT NULL
)
SELECT 'ready' AS kind, queue AS name, NULL::integer AS max_running, NULL::double precision AS rate, NULL::integer AS weight, true AS concerns
FROM target WHERE queue IS NOT NULL
UNION ALL
SELECT
    l.kind, l.name, l.max_running, l.rate, l.weight,
    EXISTS (
        SELECT FROM target t
        WHERE CASE WHEN l.kind = 'queue' THEN t.queue = l.name ELSE EXISTS (
            SELECT FROM jobctl.jobs j
            WHERE j.status = 'pending' AND j.waiting_on IS NULL AND j.queue = t.queue AND j.job_type = l.name
        ) END
    )
FROM jobctl.limits l
