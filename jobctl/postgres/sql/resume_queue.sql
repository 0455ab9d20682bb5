-- Ends a pause of a queue or type: its jobs become claimable or wait for their next reason, computed here because this
-- statement's own snapshot still has the pause.
WITH gone AS (
    DELETE FROM jobctl.holds WHERE kind = %(kind)s AND name = %(name)s RETURNING name
),
waiting AS MATERIALIZED (
    SELECT id FROM jobctl.jobs
    WHERE
        status = 'pending' AND waiting_on = %(kind)s
        AND CASE WHEN %(kind)s = 'queue' THEN queue = %(name)s ELSE job_type = %(name)s END
    ORDER BY id
    FOR UPDATE
),
freed AS (
    UPDATE jobctl.jobs j
    SET
        waiting_on = CASE
            WHEN EXISTS (
                SELECT FROM jobctl.holds h
                WHERE (h.kind, h.name) <> (%(kind)s, %(name)s)
                    AND ((h.kind = 'queue' AND h.name = j.queue) OR (h.kind = 'type' AND h.name = j.job_type))
            ) THEN CASE %(kind)s WHEN 'queue' THEN 'type' ELSE 'queue' END
            WHEN j.concurrency_key IS NOT NULL THEN 'key'
        END,
        updated_at = jobctl.clock()
    FROM waiting w
    WHERE j.id = w.id AND j.status = 'pending' AND j.waiting_on = %(kind)s
    RETURNING j.id, j.concurrency_key
)
SELECT
    EXISTS (SELECT FROM gone) AS changed,
    (SELECT count(*) FROM freed) AS jobs,
    (SELECT coalesce(array_agg(DISTINCT concurrency_key) FILTER (WHERE concurrency_key IS NOT NULL), '{}') FROM freed) AS keys,
    CASE WHEN EXISTS (SELECT FROM freed) THEN pg_notify('jobctl_ready', '')::text END AS notified
