-- Makes the first due job of each free concurrency key claimable. Two at once: each skips what the other has locked, and
-- where they see different heads the unique index lets one of them win.
WITH RECURSIVE waiting AS (
    (
        SELECT concurrency_key FROM jobctl.jobs
        WHERE status = 'pending' AND waiting_on = 'key' AND %(keys)s::text[] IS NULL
        ORDER BY concurrency_key LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT j.concurrency_key FROM jobctl.jobs j
        WHERE j.status = 'pending' AND j.waiting_on = 'key' AND j.concurrency_key > waiting.concurrency_key
        ORDER BY j.concurrency_key LIMIT 1
    )
    FROM waiting WHERE waiting.concurrency_key IS NOT NULL
),
keys AS (
    SELECT DISTINCT key FROM unnest(%(keys)s::text[]) AS input (key)
    UNION
    SELECT concurrency_key FROM waiting WHERE concurrency_key IS NOT NULL
),
heads AS MATERIALIZED (
    SELECT head.id
    FROM keys CROSS JOIN LATERAL (
        SELECT j.id FROM jobctl.jobs j
        WHERE
            j.concurrency_key = keys.key AND j.status = 'pending' AND j.waiting_on = 'key'
            AND j.run_after <= jobctl.clock()
        ORDER BY j.priority DESC, j.run_after, j.id
        LIMIT 1
    ) head
    WHERE NOT EXISTS (
        SELECT FROM jobctl.jobs holder
        WHERE
            holder.concurrency_key = keys.key
            AND (holder.status = 'processing' OR (holder.status = 'pending' AND holder.waiting_on IS NULL))
    )
),
mine AS MATERIALIZED (
    SELECT j.id FROM jobctl.jobs j
    WHERE j.id = ANY (ARRAY(SELECT id FROM heads)) AND j.status = 'pending' AND j.waiting_on = 'key'
    ORDER BY j.id
    FOR UPDATE SKIP LOCKED
),
woken AS (
    UPDATE jobctl.jobs
    SET waiting_on = NULL, updated_at = jobctl.clock()
    WHERE id = ANY (ARRAY(SELECT id FROM mine)) AND status = 'pending' AND waiting_on = 'key'
    RETURNING id
)
SELECT id, pg_notify('jobctl_ready', '')::text AS notified FROM woken
