-- How much of each limit is used: the jobs that run, by the short index of those, and the starts that its rate allows now.
SELECT
    l.kind, l.name, l.max_running, l.rate,
    CASE WHEN l.max_running IS NULL THEN 0 ELSE (
        SELECT count(*) FROM jobctl.jobs j
        WHERE j.status = 'processing' AND CASE WHEN l.kind = 'queue' THEN j.queue = l.name ELSE j.job_type = l.name END
    ) END AS running,
    -- a bucket that was filled in the future is from before the clock was set back: it counts as full
    CASE WHEN l.rate IS NOT NULL THEN least(
        greatest(1, %(burst)s * l.rate),
        CASE WHEN l.refilled_at > jobctl.clock() + interval '1 second' THEN 'infinity'
            ELSE l.tokens + l.rate * greatest(0, extract(epoch FROM jobctl.clock() - l.refilled_at)) END
    ) END::double precision AS tokens
FROM jobctl.limits l
WHERE l.max_running IS NOT NULL OR l.rate IS NOT NULL
ORDER BY l.kind, l.name
