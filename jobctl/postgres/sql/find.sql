-- Jobs by any mix of filters, newest first unless sorted. A filter that is null is folded away by the planner.
-- within: only among so many of the newest ids, for what no index serves.
SELECT
    j.id, j.job_type, j.status, j.title, j.queue, j.priority, j.labels, j.idempotency_key AS key, j.concurrency_key,
    j.waiting_on, j.created_by, j.metadata, j.progress, j.retry_count, j.max_retries, j.next_retry_at, j.crash_count,
    j.resume_count, j.error_type, j.error_message, j.last_error, j.last_checkpoint_stage AS checkpoint_stage,
    j.last_checkpoint_path AS checkpoint_path, j.checkpoint_hash,
    (SELECT max(c.created_at) FROM jobctl.checkpoints c WHERE c.job_id = j.id) AS checkpoint_at,
    j.pause_requested_at, j.pause_freezes,
    CASE WHEN j.status = 'processing' AND j.frozen_at >= j.attempt_started_at THEN j.frozen_at END AS frozen_at,
    j.cancel_requested_at, j.cancel_reason, j.pause_reason, j.paused_at, j.resumed_at,
    j.created_at, j.run_after, j.started_at, j.run_s AS ended_run_s, j.attempt_started_at, j.lease_expires_at,
    coalesce(w.lease_s, 30) AS lease_ttl, j.completed_at, j.updated_at, j.heartbeat_at,
    j.lease_seq, j.entity_type, j.entity_id, j.result_path, j.result_sha256, j.result_size,
    CASE WHEN w.id IS NOT NULL THEN jsonb_build_object('id', w.id, 'name', w.name, 'host', w.host, 'pid', w.pid) END AS worker,
    jobctl.clock() AS now,
    CASE WHEN %(full)s THEN j.input_data ELSE '{}'::jsonb END AS input_data,
    CASE WHEN %(full)s THEN j.output_data END AS output_data,
    CASE WHEN %(full)s THEN j.error_trace END AS error_trace,
    CASE WHEN j.status = 'processing' THEN (
        SELECT l.at FROM jobctl.job_logs l WHERE l.job_id = j.id ORDER BY l.id DESC LIMIT 1
    ) END AS logged_at
FROM jobctl.jobs j LEFT JOIN jobctl.workers w ON w.id = j.worker_id AND j.status = 'processing'
WHERE
    (%(ids)s::bigint[] IS NULL OR j.id = ANY (%(ids)s::bigint[]))
    AND (%(statuses)s::text[] IS NULL OR j.status = ANY (%(statuses)s::text[]))
    AND (%(types)s::text[] IS NULL OR j.job_type = ANY (%(types)s::text[]))
    AND (%(title)s::text IS NULL OR strpos(lower(j.title), lower(%(title)s::text)) > 0)
    AND (%(labels)s::jsonb IS NULL OR (j.labels <> '{}'::jsonb AND j.labels @> %(labels)s::jsonb))
    AND (%(label_keys)s::text[] IS NULL OR (j.labels <> '{}'::jsonb AND j.labels ?& %(label_keys)s::text[]))
    AND (%(queue)s::text IS NULL OR j.queue = %(queue)s::text)
    AND (%(error_types)s::text[] IS NULL OR (j.status = 'failed' AND j.error_type = ANY (%(error_types)s::text[])))
    AND (%(since)s::timestamptz IS NULL OR j.created_at >= %(since)s::timestamptz)
    AND (%(until)s::timestamptz IS NULL OR j.created_at < %(until)s::timestamptz)
    AND (NOT %(stale)s OR (j.status = 'processing' AND jobctl.silent(j.heartbeat_at, coalesce(w.lease_s, 30))))
    AND (NOT %(due)s OR (j.status = 'failed' AND j.next_retry_at <= jobctl.clock()))
    AND (%(created_by)s::text IS NULL OR j.created_by = %(created_by)s::text)
    AND (%(before)s::bigint IS NULL OR j.id < %(before)s::bigint)
    AND (%(within)s::bigint IS NULL OR j.id > (SELECT max(newest.id) FROM jobctl.jobs newest) - %(within)s::bigint)
ORDER BY
    CASE WHEN %(sort)s::text = 'priority' THEN j.priority END DESC,
    CASE WHEN %(sort)s::text = 'updated' THEN j.updated_at END DESC,
    CASE WHEN %(sort)s::text = 'ended' THEN j.completed_at END DESC,
    CASE WHEN %(sort)s::text = 'type' THEN j.job_type END,
    CASE WHEN %(sort)s::text = 'status' THEN j.status END,
    CASE WHEN %(sort)s::text = 'title' THEN j.title END,
    CASE WHEN %(sort)s::text = 'oldest' THEN j.id END,
    j.id DESC
LIMIT %(limit)s
