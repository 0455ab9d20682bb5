-- Seconds until the next instant of any schedule that is not due yet; null without one.
SELECT extract(epoch FROM min(next_at) - jobctl.clock())::double precision AS seconds
FROM jobctl.schedules
WHERE paused_at IS NULL AND next_at > jobctl.clock()
