-- Jobs that have been in one of these statuses since an instant, however briefly; without an instant: only the current time.
SELECT jobctl.clock() AS now, coalesce(array_agg(DISTINCT job_id), '{}') AS ids
FROM jobctl.events
WHERE %(since)s::timestamptz IS NOT NULL AND job_id = ANY (%(ids)s) AND to_status = ANY (%(statuses)s::text[])
    AND at >= %(since)s::timestamptz
