-- Orphaned jobs of this worker: the answer to their claim was lost with the connection.
SELECT id, lease_seq, lease_id::text FROM jobctl.jobs
WHERE status = 'processing' AND worker_id = %(worker)s AND NOT (id = ANY (%(known)s))
