-- Where the statistics of the newest jobs begin, and about how many jobs there are; no row where they read all that is asked for.
SELECT
    (SELECT w.created_at FROM jobctl.jobs w WHERE w.id > edge.id ORDER BY w.id LIMIT 1) AS since,
    (SELECT greatest(c.reltuples, 0)::bigint FROM pg_catalog.pg_class c WHERE c.oid = 'jobctl.jobs'::regclass) AS about
FROM (SELECT coalesce(max(id), 0) - %(within)s::bigint AS id FROM jobctl.jobs) edge
CROSS JOIN LATERAL (SELECT o.created_at FROM jobctl.jobs o WHERE o.id <= edge.id ORDER BY o.id DESC LIMIT 1) older
WHERE %(since)s::timestamptz IS NULL OR older.created_at >= %(since)s::timestamptz
