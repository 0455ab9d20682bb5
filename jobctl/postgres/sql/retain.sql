-- One step through the jobs in the order of their ids: of those examined, removes the ended ones that were kept long enough,
-- with their history, and the checkpoints of ended ones that stay. The keys are returned so that the bytes go after the
-- commit.
WITH examined AS MATERIALIZED (
    SELECT id, job_type, status FROM jobctl.jobs WHERE id > %(position)s ORDER BY id LIMIT %(batch)s
),
aged AS (
    SELECT
        id,
        CASE
            WHEN %(keep)s::jsonb ? (job_type || '.' || status) THEN %(keep)s::jsonb ->> (job_type || '.' || status)
            WHEN %(keep)s::jsonb ? job_type THEN %(keep)s::jsonb ->> job_type
            ELSE %(keep)s::jsonb ->> status
        END::double precision AS seconds  -- null: for ever
    FROM examined WHERE status IN ('completed', 'failed', 'cancelled')
),
old AS MATERIALIZED (
    SELECT
        j.id,
        a.seconds IS NOT NULL AND j.completed_at < jobctl.clock() - make_interval(secs => a.seconds)
        AND j.result_path IS NULL
        AND NOT EXISTS (  -- one that has not completed may still need it
            SELECT FROM jobctl.job_dependencies d JOIN jobctl.jobs w ON w.id = d.job_id
            WHERE d.depends_on = j.id AND w.status <> 'completed'
        ) AS due
    FROM jobctl.jobs j JOIN aged a USING (id)
    WHERE
        j.status IN ('completed', 'failed', 'cancelled') AND j.next_retry_at IS NULL
        AND j.completed_at < jobctl.clock() - make_interval(secs => least(a.seconds, %(checkpoints_s)s))
    ORDER BY j.id
    FOR UPDATE OF j SKIP LOCKED
),
checkpoints AS (
    DELETE FROM jobctl.checkpoints c USING old WHERE c.job_id = old.id RETURNING c.job_id, c.path
),
removed AS (
    DELETE FROM jobctl.jobs j USING old WHERE j.id = old.id AND old.due
    RETURNING j.id,  -- and whether the storage may have bytes of it
        j.lease_seq > 1 OR j.output_data::text LIKE '%%/outputs/%%'
        OR EXISTS (SELECT FROM checkpoints c WHERE c.job_id = j.id) AS stored
),
events AS (
    DELETE FROM jobctl.events e USING removed WHERE e.job_id = removed.id
),
cleared AS (
    UPDATE jobctl.jobs j
    SET last_checkpoint_path = NULL, last_checkpoint_stage = NULL, checkpoint_hash = NULL, updated_at = jobctl.clock()
    FROM old WHERE j.id = old.id AND NOT old.due AND EXISTS (SELECT FROM checkpoints c WHERE c.job_id = old.id)
    RETURNING j.id
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, actor) SELECT id, 'prune', %(actor)s FROM cleared ORDER BY id
)
SELECT
    (SELECT max(id) FROM examined) AS position,
    (SELECT count(*) FROM examined) AS examined,
    coalesce((SELECT array_agg(path) FROM checkpoints), '{}') AS checkpoints,
    coalesce((SELECT array_agg(id ORDER BY id) FROM removed), '{}') AS jobs,
    coalesce((SELECT array_agg(id ORDER BY id) FROM removed WHERE stored), '{}') AS stored
