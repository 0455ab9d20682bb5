-- Seconds until the next notification to another host than these is due, 0 when one is; no row without one.
SELECT greatest(0, extract(epoch FROM next_at - jobctl.clock()))::double precision AS seconds
FROM (SELECT min(next_try_at) AS next_at FROM jobctl.notifications WHERE host <> ALL (%(busy)s)) waiting
WHERE next_at IS NOT NULL
