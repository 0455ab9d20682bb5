-- What a notification says of a job; nothing while it has not ended.
SELECT jobctl.end_event(j) AS event
FROM jobctl.jobs j
WHERE j.id = %(id)s AND j.status IN ('completed', 'failed', 'cancelled') AND j.next_retry_at IS NULL
