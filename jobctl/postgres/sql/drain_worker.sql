UPDATE jobctl.workers SET draining_at = coalesce(draining_at, jobctl.clock())
WHERE (name = ANY (%(names)s) OR id::text = ANY (%(names)s)) AND stopped_at IS NULL
RETURNING id, name
