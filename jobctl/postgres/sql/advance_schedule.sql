-- Records what a schedule did: the instant that was handled, its job, the next instant. A null leaves a value as it is.
UPDATE jobctl.schedules
SET
    last_at = coalesce(%(last_at)s, last_at), last_job_id = coalesce(%(job_id)s, last_job_id),
    next_at = coalesce(%(next_at)s, next_at)
WHERE name = %(name)s
RETURNING name
