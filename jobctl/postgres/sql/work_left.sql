-- Whether a draining worker may go: nothing of its types runs, is due, or will be let through.
SELECT
    EXISTS (
        SELECT FROM jobctl.jobs
        WHERE
            status IN ('pending', 'processing') AND job_type = ANY (%(types)s)
            AND (%(queues)s::text[] IS NULL OR queue = ANY (%(queues)s::text[]))
            AND (status = 'processing' OR waiting_on = 'key' OR (waiting_on IS NULL AND run_after <= jobctl.clock()))
    )
