-- Jobs whose last dependency was completed go on to what else they wait for. ids null: look at all that wait.
WITH woken AS (
    UPDATE jobctl.jobs j
    SET
        waiting_on = jobctl.waiting_reason(j.id, j.queue, j.job_type, j.concurrency_key),
        updated_at = jobctl.clock()
    WHERE
        j.id = ANY (ARRAY(
            SELECT mine.id FROM jobctl.jobs mine
            WHERE
                mine.id = ANY (ARRAY(
                    SELECT d.job_id FROM jobctl.job_dependencies d WHERE d.depends_on = ANY (%(ids)s::bigint[])
                    UNION
                    SELECT w.id FROM jobctl.jobs w
                    WHERE w.status = 'pending' AND w.waiting_on = 'dependency' AND %(ids)s::bigint[] IS NULL
                ))
                AND mine.status = 'pending'
            ORDER BY mine.id
            FOR UPDATE
        ))
        AND j.status = 'pending' AND j.waiting_on = 'dependency'
        AND jobctl.waiting_reason(j.id, j.queue, j.job_type, j.concurrency_key) IS DISTINCT FROM 'dependency'
    RETURNING j.id, j.concurrency_key, j.waiting_on
)
SELECT id, concurrency_key, CASE WHEN waiting_on IS NULL THEN pg_notify('jobctl_ready', '')::text END AS notified FROM woken
