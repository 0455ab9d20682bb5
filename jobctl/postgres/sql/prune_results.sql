-- Removes the stored results of jobs that completed long ago; small results, hashes and sizes stay in their rows.
-- The paths are returned so that the bytes go after the commit.
WITH old AS MATERIALIZED (
    SELECT id, result_path AS path FROM jobctl.jobs
    WHERE result_path IS NOT NULL AND completed_at < jobctl.clock() - make_interval(secs => %(age)s)
    ORDER BY completed_at, id
    LIMIT %(batch)s
    FOR UPDATE SKIP LOCKED
),
cleared AS (
    UPDATE jobctl.jobs j SET result_path = NULL FROM old WHERE j.id = old.id RETURNING j.id
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, actor, detail)
    SELECT id, 'prune', %(actor)s, '{"what": "result"}'::jsonb FROM cleared ORDER BY id
)
SELECT id, path FROM old ORDER BY id
