-- After a lost answer: whether this checkpoint was committed, and the job's present status.
SELECT
    j.status,
    j.cancel_requested_at IS NOT NULL AS cancel,
    j.status = 'processing' AND j.lease_seq = %(lease_seq)s AND j.lease_id = %(lease_id)s AS ours,
    EXISTS (
        SELECT FROM jobctl.checkpoints c
        WHERE c.job_id = j.id AND c.seq = %(seq)s AND c.lease_seq = %(lease_seq)s AND c.sha256 = %(sha256)s
    ) AS recorded
FROM jobctl.jobs j WHERE j.id = %(id)s
