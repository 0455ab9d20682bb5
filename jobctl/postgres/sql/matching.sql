-- The ids that the same filters match, oldest first, a page at a time.
SELECT j.id
FROM jobctl.jobs j LEFT JOIN jobctl.workers w ON w.id = j.worker_id AND j.status = 'processing'
WHERE
    (%(ids)s::bigint[] IS NULL OR j.id = ANY (%(ids)s::bigint[]))
    AND (%(statuses)s::text[] IS NULL OR j.status = ANY (%(statuses)s::text[]))
    AND (%(types)s::text[] IS NULL OR j.job_type = ANY (%(types)s::text[]))
    AND (%(title)s::text IS NULL OR strpos(lower(j.title), lower(%(title)s::text)) > 0)
    AND (%(labels)s::jsonb IS NULL OR (j.labels <> '{}'::jsonb AND j.labels @> %(labels)s::jsonb))
    AND (%(label_keys)s::text[] IS NULL OR (j.labels <> '{}'::jsonb AND j.labels ?& %(label_keys)s::text[]))
    AND (%(queue)s::text IS NULL OR j.queue = %(queue)s::text)
    AND (%(error_types)s::text[] IS NULL OR (j.status = 'failed' AND j.error_type = ANY (%(error_types)s::text[])))
    AND (%(since)s::timestamptz IS NULL OR j.created_at >= %(since)s::timestamptz)
    AND (%(until)s::timestamptz IS NULL OR j.created_at < %(until)s::timestamptz)
    AND (NOT %(stale)s OR (j.status = 'processing' AND jobctl.silent(j.heartbeat_at, coalesce(w.lease_s, 30))))
    AND (NOT %(due)s OR (j.status = 'failed' AND j.next_retry_at <= jobctl.clock()))
    AND (%(created_by)s::text IS NULL OR j.created_by = %(created_by)s::text)
    AND (%(before)s::bigint IS NULL OR j.id < %(before)s::bigint)
    AND (%(within)s::bigint IS NULL OR j.id > (SELECT max(newest.id) FROM jobctl.jobs newest) - %(within)s::bigint)
    AND j.id > %(after)s
ORDER BY j.id
LIMIT %(limit)s
