-- Pauses a schedule; no row where it is paused or does not exist.
UPDATE jobctl.schedules SET paused_at = jobctl.clock(), pause_reason = %(reason)s
WHERE name = %(name)s AND paused_at IS NULL
RETURNING name
