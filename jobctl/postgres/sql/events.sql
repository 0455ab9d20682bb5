-- History after a given event, of some jobs or of all.
SELECT id, job_id, at, kind, from_status, to_status, actor, lease_seq, detail
FROM jobctl.events
WHERE (%(ids)s::bigint[] IS NULL OR job_id = ANY (%(ids)s::bigint[])) AND id > %(after)s
ORDER BY id
LIMIT %(limit)s
