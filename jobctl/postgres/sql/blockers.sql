-- Sessions that block others, that are idle in a transaction with locks on jobctl's tables, or that lock a whole table.
WITH waits AS (
    SELECT blocker, count(DISTINCT w.pid) AS waiting
    FROM pg_locks w CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS blocker
    WHERE NOT w.granted
    GROUP BY blocker
),
keeps AS (
    SELECT DISTINCT l.pid AS blocker
    FROM pg_locks l
    JOIN pg_class c ON c.oid = l.relation
    JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE
        c.relnamespace = 'jobctl'::regnamespace AND l.granted AND l.mode <> 'AccessShareLock'
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (
            (a.state LIKE 'idle in transaction%%'
                AND a.state_change < clock_timestamp() - make_interval(secs => %(idle_s)s))
            OR l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
        )
)
SELECT
    a.pid, a.usename AS role, a.application_name AS application, a.state,
    extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS age_s, coalesce(w.waiting, 0)::int AS waiting
FROM pg_stat_activity a LEFT JOIN waits w ON w.blocker = a.pid
WHERE
    a.datname = current_database() AND a.pid <> pg_backend_pid()
    AND (a.pid IN (SELECT blocker FROM keeps) OR a.pid IN (SELECT blocker FROM waits))
    -- a session that waits itself is not the cause
    AND NOT EXISTS (SELECT FROM pg_locks mine WHERE mine.pid = a.pid AND NOT mine.granted)
ORDER BY a.xact_start NULLS LAST
LIMIT 10
