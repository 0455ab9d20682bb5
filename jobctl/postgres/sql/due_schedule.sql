-- Locks the schedule that is due longest. Others skip it: the transaction that has it submits its job and advances it.
SELECT
    s.name, s.cron, s.every_s, s.tz, s.job, s.catch_up, s.overlap, s.created_at, s.next_at, jobctl.clock() AS now,
    EXISTS (
        SELECT FROM jobctl.jobs j
        WHERE
            j.id = s.last_job_id
            AND (j.status IN ('pending', 'processing', 'paused') OR j.next_retry_at IS NOT NULL)
    ) AS unfinished
FROM jobctl.schedules s
WHERE s.paused_at IS NULL AND s.next_at <= jobctl.clock()
ORDER BY s.next_at
LIMIT 1
FOR UPDATE OF s SKIP LOCKED
