-- Cancels jobs that have not started before their expiry. The claim does not take them either, so that none starts late.
-- The trigger name_expiry writes the reason: a worker may not cancel jobs for reasons of its own.
WITH late AS MATERIALIZED (
    SELECT id, status FROM jobctl.jobs
    WHERE
        expires_at IS NOT NULL AND started_at IS NULL AND status IN ('pending', 'paused')
        AND expires_at <= jobctl.clock()
    ORDER BY expires_at, id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
),
moved AS (
    UPDATE jobctl.jobs j
    SET
        status = 'cancelled', waiting_on = NULL, completed_at = jobctl.clock(), updated_at = jobctl.clock()
    FROM late
    WHERE j.id = late.id AND j.status = late.status
    RETURNING j.id, late.status AS was, j.cancel_reason
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, from_status, to_status, actor, detail)
    SELECT id, 'cancel', was, 'cancelled', 'sweep', jsonb_build_object('reason', cancel_reason) FROM moved ORDER BY id
)
SELECT id FROM moved ORDER BY id
