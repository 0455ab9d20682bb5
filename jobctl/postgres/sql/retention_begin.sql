-- Takes the turn of going through the jobs; no row while it is not due, or another worker has it.
UPDATE jobctl.retention SET next_at = jobctl.clock() + make_interval(secs => %(lease_s)s)
WHERE next_at <= jobctl.clock()
RETURNING position
