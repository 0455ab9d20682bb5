-- Creates jobs, in the order of rows, one NOTIFY for all of them in the same statement.
-- rows: [{n, job_type, title, queue, priority, labels, key, concurrency_key, created_by, delay, run_after,
--         input_data, metadata, max_retries, entity_type, entity_id, expires, after: [id …]}]
WITH input AS MATERIALIZED (
    SELECT
        nextval('jobctl.jobs_id_seq') AS id, r.*,
        coalesce(r.run_after, jobctl.clock() + make_interval(secs => coalesce(r.delay, 0))) AS due
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
        n int, job_type text, title text, queue text, priority smallint, labels jsonb, key text, concurrency_key text,
        created_by text, delay double precision, run_after timestamptz, input_data jsonb, metadata jsonb,
        max_retries int, entity_type text, entity_id text, expires double precision, after jsonb
    )
    ORDER BY r.n
),
created AS (
    INSERT INTO jobctl.jobs (
        id, job_type, title, queue, priority, labels, idempotency_key, concurrency_key, created_by, run_after,
        input_data, metadata, max_retries, entity_type, entity_id, expires_at, waiting_on
    ) OVERRIDING SYSTEM VALUE
    SELECT
        id, job_type, title, queue, priority, labels, key, concurrency_key, created_by, due,
        input_data, metadata, max_retries, entity_type, entity_id, jobctl.clock() + make_interval(secs => expires),
        CASE
            WHEN EXISTS (
                SELECT FROM jsonb_array_elements_text(input.after) AS a (dep)
                LEFT JOIN jobctl.jobs j ON j.id = a.dep::bigint
                WHERE j.status IS DISTINCT FROM 'completed'
            ) THEN 'dependency'
            WHEN EXISTS (SELECT FROM jobctl.holds h WHERE h.kind = 'queue' AND h.name = input.queue) THEN 'queue'
            WHEN EXISTS (SELECT FROM jobctl.holds h WHERE h.kind = 'type' AND h.name = input.job_type) THEN 'type'
            WHEN concurrency_key IS NOT NULL THEN 'key'
        END
    FROM input
    ORDER BY n
    ON CONFLICT (idempotency_key)
        WHERE idempotency_key IS NOT NULL AND status IN ('pending', 'processing', 'paused')
        DO NOTHING
    RETURNING id, idempotency_key, waiting_on, created_by
),
linked AS (
    INSERT INTO jobctl.job_dependencies (job_id, depends_on)
    SELECT DISTINCT c.id, a.dep::bigint
    FROM created c JOIN input g USING (id) CROSS JOIN LATERAL jsonb_array_elements_text(g.after) AS a (dep)
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, to_status, actor)
    SELECT id, 'submit', 'pending', created_by FROM created ORDER BY id
)
SELECT
    g.n,
    coalesce(
        c.id,
        (SELECT same.id FROM created same WHERE same.idempotency_key = g.key),
        (SELECT old.id FROM jobctl.jobs old
         WHERE old.idempotency_key = g.key AND old.status IN ('pending', 'processing', 'paused'))
    ) AS id,
    c.id IS NOT NULL AS created,
    CASE WHEN g.n = 0 AND EXISTS (SELECT FROM created ready WHERE ready.waiting_on IS NULL)
        THEN pg_notify('jobctl_ready', '')::text END AS notified
FROM input g LEFT JOIN created c USING (id)
ORDER BY g.n
