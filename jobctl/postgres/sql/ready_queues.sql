-- The queues that have claimable work: a loose index scan, one probe a queue. And what is set for queues and job types: few rows.
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
SELECT 'ready' AS kind, queue AS name, NULL::integer AS max_running, NULL::double precision AS rate, NULL::integer AS weight
FROM target WHERE queue IS NOT NULL
UNION ALL
SELECT kind, name, max_running, rate, weight FROM jobctl.limits
