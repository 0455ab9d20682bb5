-- Jobs that a draining worker leaves, by the reason for which they wait; of a concurrency key, which job uses it.
WITH waiting AS (
    SELECT coalesce(waiting_on, 'time') AS reason, count(*) AS jobs, min(id) AS first
    FROM jobctl.jobs
    WHERE
        status = 'pending' AND job_type = ANY (%(types)s)
        AND (%(queues)s::text[] IS NULL OR queue = ANY (%(queues)s::text[]))
    GROUP BY 1
)
SELECT w.reason, w.jobs, w.first, j.concurrency_key, holder.id AS holder, holder.queue AS holder_queue
FROM waiting w
JOIN jobctl.jobs j ON j.id = w.first
LEFT JOIN LATERAL (
    SELECT h.id, h.queue FROM jobctl.jobs h
    WHERE
        w.reason = 'key' AND h.concurrency_key = j.concurrency_key
        AND (h.status = 'processing' OR (h.status = 'pending' AND h.waiting_on IS NULL))
    LIMIT 1
) holder ON true
ORDER BY w.reason
