-- Removes ended jobs; their events stay. The paths are returned so that the bytes can be removed after the commit.
WITH target AS MATERIALIZED (
    SELECT id, status, retry_count, max_retries, concurrency_key, pause_requested_at, cancel_requested_at,
        result_path
    FROM jobctl.jobs WHERE id = ANY (%(ids)s) ORDER BY id FOR UPDATE
),
paths AS MATERIALIZED (
    SELECT c.job_id, array_agg(c.path ORDER BY c.seq) AS paths
    FROM jobctl.checkpoints c WHERE c.job_id = ANY (%(ids)s) GROUP BY c.job_id
),
removed AS (
    DELETE FROM jobctl.jobs j USING target t
    WHERE j.id = t.id AND t.status IN ('completed', 'failed', 'cancelled')
    RETURNING j.id
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, from_status, actor)
    SELECT r.id, 'delete', t.status, %(actor)s FROM removed r JOIN target t USING (id) ORDER BY r.id
)
SELECT
    t.id, t.status AS was, t.retry_count, t.max_retries, t.concurrency_key,
    t.pause_requested_at IS NOT NULL AS pausing, t.cancel_requested_at IS NOT NULL AS cancelling,
    CASE WHEN r.id IS NOT NULL THEN 'done' ELSE 'refused' END AS answer,
    coalesce(p.paths, '{}') || array_remove(ARRAY[t.result_path], NULL) AS paths
FROM target t LEFT JOIN removed r USING (id) LEFT JOIN paths p ON p.job_id = t.id
ORDER BY t.id
