-- Writes lines of running jobs; of each job the newest `bound` lines are kept. One index scan a job, however many lines there
-- are. The rows returned are jobs whose lines were not written, because another session has the job locked.
WITH free AS MATERIALIZED (
    SELECT id, lease_seq FROM jobctl.jobs WHERE id = ANY (%(ids)s::bigint[]) FOR KEY SHARE SKIP LOCKED
),
fresh AS MATERIALIZED (
    SELECT l.*, row_number() OVER (PARTITION BY l.job_id ORDER BY l.n DESC) AS age
    FROM unnest(
        %(ids)s::bigint[], %(attempts)s::int[], %(levels)s::text[], %(stages)s::text[], %(texts)s::text[]
    ) WITH ORDINALITY AS l (job_id, attempt, level, stage, text, n)
    JOIN free j ON j.id = l.job_id AND j.lease_seq = l.attempt
),
written AS (
    INSERT INTO jobctl.job_logs (job_id, attempt, level, stage, text)
    SELECT job_id, attempt, level, stage, text FROM fresh WHERE age <= %(bound)s ORDER BY n
),
-- the statement does not see what it inserts: as many old lines are kept as fit beside the new ones
excess AS MATERIALIZED (
    SELECT c.job_id, newest.id
    FROM (SELECT job_id, count(*) AS fresh FROM fresh GROUP BY job_id) c CROSS JOIN LATERAL (
        SELECT l.id FROM jobctl.job_logs l
        WHERE l.job_id = c.job_id
        ORDER BY l.id DESC
        OFFSET greatest(%(bound)s - c.fresh, 0) LIMIT 1
    ) newest
),
dropped AS (
    DELETE FROM jobctl.job_logs old USING excess e WHERE old.job_id = e.job_id AND old.id <= e.id
)
SELECT j.id FROM jobctl.jobs j
WHERE j.id = ANY (%(ids)s::bigint[]) AND NOT EXISTS (SELECT FROM free WHERE free.id = j.id)
