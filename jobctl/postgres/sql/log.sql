-- Lines of running jobs; what goes over the bound of a job is dropped, oldest first. The rows that come back are jobs
-- whose lines were not written, because another session has the job locked.
WITH given AS (
    SELECT * FROM unnest(
        %(ids)s::bigint[], %(attempts)s::int[], %(levels)s::text[], %(stages)s::text[], %(texts)s::text[]
    ) WITH ORDINALITY AS g (job_id, attempt, level, stage, text, n)
),
free AS MATERIALIZED (
    SELECT id, lease_seq FROM jobctl.jobs WHERE id = ANY (%(ids)s::bigint[]) FOR KEY SHARE SKIP LOCKED
),
written AS (
    INSERT INTO jobctl.job_logs (job_id, attempt, level, stage, text)
    SELECT g.job_id, g.attempt, g.level, g.stage, g.text
    FROM given g JOIN free j ON j.id = g.job_id AND j.lease_seq = g.attempt
    ORDER BY g.n
),
dropped AS (
    DELETE FROM jobctl.job_logs old
    USING (SELECT DISTINCT job_id FROM given) g
    WHERE
        old.job_id = g.job_id
        AND old.id < (
            SELECT l.id FROM jobctl.job_logs l WHERE l.job_id = g.job_id ORDER BY l.id DESC OFFSET %(bound)s LIMIT 1
        )
)
SELECT j.id FROM jobctl.jobs j
WHERE j.id = ANY (%(ids)s::bigint[]) AND NOT EXISTS (SELECT FROM free WHERE free.id = j.id)
