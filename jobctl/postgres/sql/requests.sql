-- Pending requests on jobs that this worker runs; polled between heartbeats, so that a pause takes effect soon.
SELECT
    id, pause_requested_at IS NOT NULL AND NOT pause_freezes AS pause, cancel_requested_at IS NOT NULL AS cancel,
    pause_requested_at IS NOT NULL AND pause_freezes AS freeze
FROM jobctl.jobs
WHERE
    id = ANY (%(ids)s) AND status = 'processing' AND worker_id = %(worker)s
    AND (pause_requested_at IS NOT NULL OR cancel_requested_at IS NOT NULL)
