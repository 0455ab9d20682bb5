-- History of jobs, of each after the event that was seen last: numbers of several jobs are not committed in their order.
SELECT e.id, e.job_id, e.at, e.kind, e.from_status, e.to_status, e.actor, e.lease_seq, e.detail
FROM unnest(%(ids)s::bigint[], %(seen)s::bigint[]) AS s (job_id, seen)
JOIN jobctl.events e ON e.job_id = s.job_id AND e.id > s.seen
ORDER BY e.id
