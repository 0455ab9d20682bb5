-- What decides when the next sweep comes. Seconds until the next lease of any worker ends, and until the next instant of any
-- schedule; null without one. What has passed is not awaited: the sweep before has handled it, or may not yet. Whether a
-- notification is due, and the removal of old jobs; and whether the schema was upgraded beyond what this program can work with.
SELECT
    (
        SELECT extract(epoch FROM min(lease_expires_at) - jobctl.clock())::double precision
        FROM jobctl.jobs
        WHERE status = 'processing' AND lease_expires_at > jobctl.clock()
    ) AS lease_end,
    (
        SELECT extract(epoch FROM min(next_at) - jobctl.clock())::double precision
        FROM jobctl.schedules
        WHERE paused_at IS NULL AND next_at > jobctl.clock()
    ) AS next_schedule,
    EXISTS (SELECT FROM jobctl.notifications WHERE next_try_at <= jobctl.clock()) AS notifications_due,
    EXISTS (SELECT FROM jobctl.retention WHERE next_at <= jobctl.clock()) AS retention_due,
    EXISTS (SELECT FROM jobctl.compatibility WHERE serves > %(revision)s) AS outdated
