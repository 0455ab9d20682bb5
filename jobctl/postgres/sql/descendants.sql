-- Jobs and their descendants: the follow-up jobs that they submitted.
SELECT id, status FROM jobctl.jobs
WHERE
    id >= (SELECT min(own.id) FROM unnest(%(ids)s::bigint[]) AS own (id))
    AND (id = ANY (%(ids)s::bigint[]) OR created_by = ANY (SELECT 'job:' || own.id FROM unnest(%(ids)s::bigint[]) AS own (id)))
