-- Resumes a schedule from its next instant; no row where it is not paused.
UPDATE jobctl.schedules SET paused_at = NULL, pause_reason = NULL, next_at = %(next_at)s
WHERE name = %(name)s AND paused_at IS NOT NULL
RETURNING name
