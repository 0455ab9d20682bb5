-- What is recorded of jobs' checkpoints, in order.
SELECT job_id, seq, lease_seq, stage, done, complete, path, sha256, size, pause_safe, created_at
FROM jobctl.checkpoints WHERE job_id = ANY (%(ids)s) ORDER BY job_id, seq
