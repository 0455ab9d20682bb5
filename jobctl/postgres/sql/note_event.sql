-- An event that changes no status: a warning, a fallback. Only from the attempt that owns the job.
INSERT INTO jobctl.events (job_id, kind, actor, lease_seq, detail)
SELECT id, %(kind)s, %(actor)s, lease_seq, %(detail)s
FROM jobctl.jobs
WHERE id = %(id)s AND lease_seq = %(lease_seq)s AND lease_id = %(lease_id)s AND status = 'processing'
