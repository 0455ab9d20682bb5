-- Jobs whose last dependency was completed become claimable or wait for their next reason. ids null: all that wait.
-- locked: another session has the row and may have an older snapshot, so try again.
WITH waiting AS MATERIALIZED (
    SELECT w.id FROM jobctl.jobs w
    WHERE
        w.status = 'pending' AND w.waiting_on = 'dependency'
        AND (%(ids)s::bigint[] IS NULL OR w.id = ANY (ARRAY(
            SELECT d.job_id FROM jobctl.job_dependencies d WHERE d.depends_on = ANY (%(ids)s::bigint[])
        )))
),
mine AS MATERIALIZED (
    SELECT j.id FROM jobctl.jobs j WHERE j.id = ANY (ARRAY(SELECT id FROM waiting)) ORDER BY j.id FOR NO KEY UPDATE SKIP LOCKED
),
woken AS (
    UPDATE jobctl.jobs j
    SET
        waiting_on = jobctl.waiting_reason(j.id, j.queue, j.job_type, j.concurrency_key),
        updated_at = jobctl.clock()
    WHERE
        j.id = ANY (ARRAY(SELECT id FROM mine))
        AND j.status = 'pending' AND j.waiting_on = 'dependency'
        AND jobctl.waiting_reason(j.id, j.queue, j.job_type, j.concurrency_key) IS DISTINCT FROM 'dependency'
    RETURNING j.id, j.concurrency_key, j.waiting_on
)
SELECT
    w.id, mine.id IS NULL AS locked, woken.id IS NOT NULL AS woken, woken.concurrency_key,
    CASE WHEN woken.id IS NOT NULL AND woken.waiting_on IS NULL THEN pg_notify('jobctl_ready', '')::text END AS notified
FROM waiting w LEFT JOIN mine USING (id) LEFT JOIN woken USING (id)
WHERE mine.id IS NULL OR woken.id IS NOT NULL
