-- The database's clock was set back: what was submitted for now is due now, not when the clock reaches that time again,
-- and a job that failed in the future waits for its backoff from now on. jobs_now_idx has nothing past the clock otherwise,
-- so that this costs one probe; of the retries those that lie furthest ahead are looked at. One instant for all: ids order
-- them.
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
),
far AS MATERIALIZED (
    SELECT id, completed_at FROM jobctl.jobs
    WHERE status = 'failed' AND next_retry_at > jobctl.clock()
    ORDER BY next_retry_at DESC
    LIMIT 1000
),
ahead AS MATERIALIZED (
    SELECT id FROM jobctl.jobs
    WHERE id = ANY (ARRAY(SELECT id FROM far WHERE completed_at > jobctl.clock() + interval '1 second'))
    FOR NO KEY UPDATE SKIP LOCKED
),
redated AS (
    UPDATE jobctl.jobs j
    SET
        next_retry_at = moment.now + (j.next_retry_at - j.completed_at),
        completed_at = moment.now, updated_at = moment.now
    FROM moment
    WHERE
        j.id = ANY (ARRAY(SELECT id FROM ahead)) AND j.status = 'failed'
        AND j.next_retry_at IS NOT NULL AND j.completed_at > moment.now
)
SELECT id, pg_notify('jobctl_ready', '')::text AS notified FROM moved
