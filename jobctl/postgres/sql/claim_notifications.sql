-- Takes the oldest due notification of each host that is not being delivered to, for lease_s seconds; then another worker may.
WITH due AS (
    SELECT DISTINCT ON (host) id
    FROM (
        SELECT id, host, next_try_at FROM jobctl.notifications
        WHERE next_try_at <= jobctl.clock() AND host <> ALL (%(busy)s)
        ORDER BY next_try_at, id LIMIT 1000
    ) oldest
    ORDER BY host, next_try_at, id
),
mine AS MATERIALIZED (
    SELECT n.id FROM jobctl.notifications n
    WHERE n.id = ANY (ARRAY(SELECT id FROM due)) AND n.next_try_at <= jobctl.clock()
    ORDER BY n.next_try_at, n.id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE jobctl.notifications n
SET tries = n.tries + 1, next_try_at = jobctl.clock() + make_interval(secs => %(lease_s)s)
FROM mine
WHERE n.id = mine.id
RETURNING n.id, n.job_id, n.url, n.host, n.tries,
    n.event || jsonb_build_object('sent_at', jobctl.clock()) AS event
