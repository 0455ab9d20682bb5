-- Lines of a job after a given one; tail: only the last ones.
SELECT * FROM (
    SELECT id, job_id, attempt, at, level, stage, text
    FROM jobctl.job_logs
    WHERE
        job_id = %(id)s AND id > %(after)s
        AND (%(stage)s::text IS NULL OR stage = %(stage)s::text)
        AND (%(attempt)s::int IS NULL OR attempt = %(attempt)s::int)
    ORDER BY id DESC
    LIMIT %(tail)s
) newest
ORDER BY id
