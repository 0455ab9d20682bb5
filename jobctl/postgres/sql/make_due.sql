-- The database's clock was set back: what was submitted for now is due now, not when the clock reaches that time again.
-- jobs_now_idx has nothing past the clock otherwise, so that this costs one probe. One instant for all: ids order them.
WITH moment AS MATERIALIZED (
    SELECT jobctl.clock() AS now
),
early AS MATERIALIZED (
    SELECT id FROM jobctl.jobs
    WHERE status = 'pending' AND run_after - created_at <= interval '1 second' AND run_after > jobctl.clock()
    ORDER BY run_after
    LIMIT %(limit)s
    FOR NO KEY UPDATE SKIP LOCKED
),
moved AS (
    UPDATE jobctl.jobs j SET run_after = moment.now, updated_at = moment.now
    FROM moment
    WHERE j.id = ANY (ARRAY(SELECT id FROM early)) AND j.status = 'pending'
    RETURNING j.id
)
SELECT id, pg_notify('jobctl_ready', '')::text AS notified FROM moved
