-- How many jobs are unfinished or have failed, by queue, type and state, and since when the longest of those that are ready has
-- been due; how many of them were retried or rescued before, and how many failures will be retried. Of each kind `cap` jobs are read, the oldest unfinished and the newest failures; `capped`: there are more.
WITH unfinished AS MATERIALIZED (
    SELECT
        queue, job_type, run_after, retry_count, crash_count,
        CASE
            WHEN status = 'processing' THEN 'running'
            WHEN status = 'paused' THEN 'paused'
            WHEN waiting_on IS NOT NULL THEN 'waiting'
            WHEN run_after > jobctl.clock() THEN 'scheduled'
            ELSE 'ready'
        END AS state
    FROM jobctl.jobs WHERE status IN ('pending', 'processing', 'paused') ORDER BY id LIMIT %(cap)s
),
failed AS MATERIALIZED (
    SELECT queue, job_type, error_type, next_retry_at FROM jobctl.jobs WHERE status = 'failed' ORDER BY id DESC LIMIT %(cap)s
)
SELECT
    queue, job_type, state, NULL AS error_type, count(*) AS jobs,
    greatest(0, extract(epoch FROM max(jobctl.clock() - run_after) FILTER (WHERE state = 'ready')))::float8 AS oldest_s,
    count(*) FILTER (WHERE retry_count > 0) AS retried, count(*) FILTER (WHERE crash_count > 0) AS rescued, 0::bigint AS retrying,
    (SELECT count(*) >= %(cap)s FROM unfinished) AS capped
FROM unfinished GROUP BY queue, job_type, state
UNION ALL
SELECT
    queue, job_type, 'failed', error_type, count(*), NULL, 0, 0, count(next_retry_at),
    (SELECT count(*) >= %(cap)s FROM failed)
FROM failed GROUP BY queue, job_type, error_type
ORDER BY queue, job_type, state, error_type
