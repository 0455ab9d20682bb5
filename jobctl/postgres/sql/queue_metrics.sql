-- How many jobs are unfinished or have failed, by queue, type and state, and since when the longest of those that are ready has
-- been due; how many of them were retried or rescued before, and how many failures will be retried.
-- Jobs that can be claimed are counted in the order of their index, each queue and type up to its share of `cap`, so that a
-- long queue hides no other. Of the others `cap` jobs are read, the oldest unfinished and the newest failures; `capped`: there
-- are more.
WITH RECURSIVE pair AS (
    (
        SELECT queue, job_type FROM jobctl.jobs
        WHERE status = 'pending' AND waiting_on IS NULL ORDER BY queue, job_type LIMIT 1
    )
    UNION ALL
    SELECT next.queue, next.job_type
    FROM pair CROSS JOIN LATERAL (
        SELECT queue, job_type FROM jobctl.jobs
        WHERE status = 'pending' AND waiting_on IS NULL AND (queue, job_type) > (pair.queue, pair.job_type)
        ORDER BY queue, job_type LIMIT 1
    ) next
),
pairs AS MATERIALIZED (SELECT queue, job_type FROM pair LIMIT %(pairs)s),
share AS MATERIALIZED (SELECT %(cap)s / greatest(1, count(*)) AS jobs FROM pairs),
claimable AS MATERIALIZED (
    SELECT p.queue, p.job_type, counted.ready, counted.scheduled, first.run_after AS oldest, counted.capped
    FROM pairs p
    CROSS JOIN LATERAL (
        SELECT
            count(*) FILTER (WHERE j.run_after <= jobctl.clock()) AS ready,
            count(*) FILTER (WHERE j.run_after > jobctl.clock()) AS scheduled,
            count(*) >= (SELECT jobs FROM share) AS capped
        FROM (
            SELECT run_after FROM jobctl.jobs
            WHERE queue = p.queue AND job_type = p.job_type AND status = 'pending' AND waiting_on IS NULL
            LIMIT (SELECT jobs FROM share)
        ) j
    ) counted
    CROSS JOIN LATERAL (
        SELECT min(j.run_after) AS run_after
        FROM generate_series(0, 4) AS priority
        CROSS JOIN LATERAL (
            SELECT run_after FROM jobctl.jobs
            WHERE queue = p.queue AND job_type = p.job_type AND jobs.priority = priority.priority
                AND status = 'pending' AND waiting_on IS NULL
            ORDER BY run_after LIMIT 1
        ) j
    ) first
),
unfinished AS MATERIALIZED (
    SELECT
        queue, job_type, retry_count, crash_count,
        CASE
            WHEN status = 'processing' THEN 'running'
            WHEN status = 'paused' THEN 'paused'
            WHEN waiting_on IS NOT NULL THEN 'waiting'
        END AS state
    FROM jobctl.jobs WHERE status IN ('pending', 'processing', 'paused') ORDER BY id LIMIT %(cap)s
),
failed AS MATERIALIZED (
    SELECT queue, job_type, error_type, next_retry_at FROM jobctl.jobs
    WHERE status = 'failed' ORDER BY id DESC LIMIT %(cap)s
)
SELECT
    c.queue, c.job_type, s.state, NULL AS error_type, s.jobs,
    CASE s.state WHEN 'ready' THEN extract(epoch FROM jobctl.clock() - c.oldest)::float8 END AS oldest_s,
    0::bigint AS retried, 0::bigint AS rescued, 0::bigint AS retrying, c.capped
FROM claimable c CROSS JOIN LATERAL (VALUES ('ready', c.ready), ('scheduled', c.scheduled)) AS s (state, jobs)
WHERE s.jobs > 0
UNION ALL
SELECT
    queue, job_type, coalesce(state, 'claimable'), NULL, CASE WHEN state IS NULL THEN 0 ELSE count(*) END, NULL,
    count(*) FILTER (WHERE retry_count > 0), count(*) FILTER (WHERE crash_count > 0), 0,
    (SELECT count(*) >= %(cap)s FROM unfinished)
FROM unfinished GROUP BY queue, job_type, state
UNION ALL
SELECT
    queue, job_type, 'failed', error_type, count(*), NULL, 0, 0, count(next_retry_at),
    (SELECT count(*) >= %(cap)s FROM failed)
FROM failed GROUP BY queue, job_type, error_type
ORDER BY queue, job_type, state, error_type
