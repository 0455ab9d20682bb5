-- Whether a draining worker has a reason to stay: a job of its types runs, is due, or will become claimable. A job that
-- waits for a concurrency key which a job of another queue or type uses does not count: nothing that this worker does releases it.
WITH mine AS (
    SELECT id, status, waiting_on, run_after, concurrency_key FROM jobctl.jobs
    WHERE
        status IN ('pending', 'processing') AND job_type = ANY (%(types)s)
        AND (%(queues)s::text[] IS NULL OR queue = ANY (%(queues)s::text[]))
)
SELECT
    EXISTS (
        SELECT FROM mine
        WHERE status = 'processing' OR (waiting_on IS NULL AND run_after <= jobctl.clock())
    )
    OR EXISTS (
        SELECT FROM mine
        WHERE
            waiting_on = 'key' AND run_after <= jobctl.clock()
            AND NOT EXISTS (
                SELECT FROM jobctl.jobs holder
                WHERE
                    holder.concurrency_key = mine.concurrency_key
                    AND (holder.status = 'processing' OR (holder.status = 'pending' AND holder.waiting_on IS NULL))
            )
    ) AS exists
