-- Pauses a whole queue or type: its pending jobs leave the claim index.
WITH paused_now AS (
    INSERT INTO jobctl.holds (kind, name, reason, actor) VALUES (%(kind)s, %(name)s, %(reason)s, %(actor)s)
    ON CONFLICT (kind, name) DO NOTHING
    RETURNING name
),
waiting AS MATERIALIZED (
    SELECT id FROM jobctl.jobs
    WHERE
        status = 'pending' AND (waiting_on IS NULL OR waiting_on = 'key')
        AND CASE WHEN %(kind)s = 'queue' THEN queue = %(name)s ELSE job_type = %(name)s END
    ORDER BY id
    FOR UPDATE SKIP LOCKED -- a job that is skipped here can't be claimed: the claim checks the pauses again
),
parked AS (
    UPDATE jobctl.jobs j SET waiting_on = %(kind)s, updated_at = jobctl.clock()
    FROM waiting w
    WHERE j.id = w.id AND j.status = 'pending'
    RETURNING j.id
)
SELECT EXISTS (SELECT FROM paused_now) AS changed, (SELECT count(*) FROM parked) AS jobs
