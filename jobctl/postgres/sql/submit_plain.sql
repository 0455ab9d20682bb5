-- Creates jobs that have neither a key nor dependencies, in the order of rows, one NOTIFY for all of them. What submit.sql does
-- for all, without what it takes to find jobs that exist.
-- rows: as of submit.sql
WITH created AS (
    INSERT INTO jobctl.jobs (
        job_type, title, queue, priority, labels, concurrency_key, created_by, run_after,
        input_data, metadata, max_retries, entity_type, entity_id, expires_at, waiting_on
    )
    SELECT
        r.job_type, r.title, r.queue, r.priority, r.labels, r.concurrency_key, r.created_by,
        coalesce(r.run_after, jobctl.clock() + make_interval(secs => coalesce(r.delay, 0))),
        r.input_data, r.metadata, r.max_retries, r.entity_type, r.entity_id,
        jobctl.clock() + make_interval(secs => r.expires),
        CASE
            WHEN EXISTS (SELECT FROM jobctl.holds h WHERE h.kind = 'queue' AND h.name = r.queue) THEN 'queue'
            WHEN EXISTS (SELECT FROM jobctl.holds h WHERE h.kind = 'type' AND h.name = r.job_type) THEN 'type'
            WHEN r.concurrency_key IS NOT NULL THEN 'key'
        END
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
        n int, job_type text, title text, queue text, priority smallint, labels jsonb, concurrency_key text,
        created_by text, delay double precision, run_after timestamptz, input_data jsonb, metadata jsonb,
        max_retries int, entity_type text, entity_id text, expires double precision
    )
    ORDER BY r.n
    RETURNING id, waiting_on, created_by
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, to_status, actor)
    SELECT id, 'submit', 'pending', created_by FROM created
),
notified AS MATERIALIZED (
    SELECT pg_notify('jobctl_ready', '')::text FROM created WHERE waiting_on IS NULL LIMIT 1
)
SELECT id, (SELECT count(*) FROM notified) AS notified FROM created ORDER BY id
