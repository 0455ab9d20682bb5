-- Seconds until the next lease of any worker ends; null without one. Ends that have passed are not awaited: the sweep that
-- found them has rescued them, or may not yet. And whether a notification is due, and the removal of old jobs; and whether
-- the schema was upgraded beyond what this program can work with.
SELECT
    (
        SELECT extract(epoch FROM min(lease_expires_at) - jobctl.clock())::double precision
        FROM jobctl.jobs
        WHERE status = 'processing' AND lease_expires_at > jobctl.clock()
    ) AS lease_end,
    EXISTS (SELECT FROM jobctl.notifications WHERE next_try_at <= jobctl.clock()) AS notifications_due,
    EXISTS (SELECT FROM jobctl.retention WHERE next_at <= jobctl.clock()) AS retention_due,
    EXISTS (SELECT FROM jobctl.compatibility WHERE serves > %(revision)s) AS outdated
