-- References to bytes of these jobs: recorded paths, and the running attempt, if any.
SELECT
    j.id,
    CASE WHEN j.status = 'processing' THEN j.lease_seq END AS running,
    (SELECT coalesce(array_agg(c.path), '{}') FROM jobctl.checkpoints c WHERE c.job_id = j.id)
        || array_remove(ARRAY[j.result_path], NULL) AS paths,
    extract(epoch FROM jobctl.clock() - j.completed_at)::float8 AS ended_s
FROM jobctl.jobs j
WHERE j.id = ANY (%(ids)s)
