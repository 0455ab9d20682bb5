-- Removes the events of jobs that somebody deleted long ago.
WITH deleted AS MATERIALIZED (
    SELECT DISTINCT job_id FROM (
        SELECT e.job_id FROM jobctl.events e
        WHERE
            e.kind = 'delete' AND e.at < jobctl.clock() - make_interval(secs => %(age)s)
            AND NOT EXISTS (SELECT FROM jobctl.jobs j WHERE j.id = e.job_id)  -- a dump was loaded over it
        ORDER BY e.at
        LIMIT %(batch)s
    ) AS oldest
)
DELETE FROM jobctl.events e USING deleted d WHERE e.job_id = d.job_id RETURNING e.id
