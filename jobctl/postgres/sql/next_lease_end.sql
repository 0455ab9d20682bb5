-- Seconds until the next lease of any worker ends; null without one. Ends that have passed are not awaited: the sweep that
-- found them has rescued them, or may not yet.
SELECT extract(epoch FROM min(lease_expires_at) - jobctl.clock())::double precision AS seconds
FROM jobctl.jobs
WHERE status = 'processing' AND lease_expires_at > jobctl.clock()
