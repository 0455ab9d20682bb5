-- After a delivery: gone with a line of history when it arrived or is given up, else due again after retry_s seconds.
-- A failure counts only for the try that it belongs to; another worker may have begun the next.
WITH ended AS (
    DELETE FROM jobctl.notifications
    WHERE id = %(id)s AND (%(delivered)s OR (tries = %(tries)s AND %(retry_s)s::double precision IS NULL))
    RETURNING job_id, host, tries
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, actor, detail)
    SELECT
        job_id, CASE WHEN %(delivered)s THEN 'notified' ELSE 'notify_failed' END, %(actor)s,
        jsonb_strip_nulls(jsonb_build_object('host', host, 'tries', tries, 'reason', %(reason)s::text))
    FROM ended
)
UPDATE jobctl.notifications
SET next_try_at = jobctl.clock() + make_interval(secs => %(retry_s)s), last_error = %(reason)s
WHERE id = %(id)s AND NOT %(delivered)s AND tries = %(tries)s AND %(retry_s)s::double precision IS NOT NULL
