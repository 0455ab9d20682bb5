-- The queues that have claimable work: a loose index scan, one probe a queue.
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
SELECT queue FROM target WHERE queue IS NOT NULL
