-- Jobs as a watch compares them.
SELECT id, status, next_retry_at IS NOT NULL AS retries, progress, updated_at
FROM jobctl.jobs
WHERE id = ANY (%(ids)s)
