-- Removes the checkpoints of jobs that ended long ago. The paths are returned so that the bytes go after the commit.
WITH old AS MATERIALIZED (
    SELECT id FROM jobctl.jobs
    WHERE
        status IN ('completed', 'failed', 'cancelled') AND next_retry_at IS NULL
        AND completed_at < jobctl.clock() - make_interval(secs => %(age)s)
        AND EXISTS (SELECT FROM jobctl.checkpoints c WHERE c.job_id = jobs.id)
    ORDER BY id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
),
gone AS (
    DELETE FROM jobctl.checkpoints c USING old WHERE c.job_id = old.id RETURNING c.job_id, c.path
),
cleared AS (
    UPDATE jobctl.jobs j
    SET last_checkpoint_path = NULL, last_checkpoint_stage = NULL, checkpoint_hash = NULL, updated_at = jobctl.clock()
    FROM old WHERE j.id = old.id
    RETURNING j.id
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, actor) SELECT id, 'prune', %(actor)s FROM cleared ORDER BY id
)
SELECT job_id AS id, array_agg(path ORDER BY path) AS paths FROM gone GROUP BY job_id ORDER BY job_id
