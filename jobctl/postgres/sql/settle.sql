-- Ends many attempts in one statement. outcome: completed, failed, paused, released, cancelled, crashed.
-- A pending cancel wins over everything; complete wins over a pause. A failure that would be retried obeys a pending
-- pause: the job waits for its resume instead of for the retry, which is charged. settled = false: another session has the
-- row locked, nothing was done. Rows that are not returned belong to other workers now.
-- One index probe a row: a join would let the planner scan whatever any worker runs.
-- rows: [{id, lease_seq, lease_id, outcome, output, path, sha256, size, progress, kind, message, raw, trace, retry_after}]
WITH input AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(rows)s::json) AS g (
        id bigint, lease_seq int, lease_id uuid, outcome text, output text, path text, sha256 text, size bigint,
        progress jsonb, kind text, message text, raw text, trace text, retry_after double precision
    )
    ORDER BY id
),
ours AS MATERIALIZED (
    SELECT own.id FROM input g CROSS JOIN LATERAL (
        SELECT j.id FROM jobctl.jobs j
        WHERE j.id = g.id AND j.lease_seq = g.lease_seq AND j.lease_id = g.lease_id AND j.status = 'processing'
        OFFSET 0
    ) own
),
decided AS MATERIALIZED (
    SELECT
        j.id, g.lease_seq, g.outcome, g.output::jsonb AS output, g.path, g.sha256, g.size, g.progress, g.retry_after, j.concurrency_key,
        CASE
            WHEN j.cancel_requested_at IS NOT NULL OR g.outcome = 'cancelled' THEN 'cancelled'
            WHEN j.pause_requested_at IS NOT NULL AND r.again THEN 'paused'
            WHEN g.outcome IN ('completed', 'failed') THEN g.outcome
            WHEN g.outcome = 'crashed' AND j.crash_count + 1 >= %(max_crashes)s THEN 'failed'
            WHEN j.pause_requested_at IS NOT NULL THEN 'paused'
            ELSE 'pending'
        END AS status,
        CASE WHEN g.outcome = 'crashed' AND j.crash_count + 1 < %(max_crashes)s THEN NULL ELSE g.kind END AS kind,
        g.message, g.raw, g.trace, r.again
    FROM input g
    CROSS JOIN LATERAL (
        SELECT
            j.id, j.concurrency_key, j.cancel_requested_at, j.pause_requested_at, j.crash_count, j.retry_count, j.max_retries
        FROM jobctl.jobs j
        WHERE j.id = g.id AND j.lease_seq = g.lease_seq AND j.lease_id = g.lease_id AND j.status = 'processing'
        FOR NO KEY UPDATE SKIP LOCKED
    ) j
    CROSS JOIN LATERAL (SELECT
        g.outcome = 'failed' AND g.kind = 'transient' AND j.retry_count < j.max_retries AND g.retry_after IS NOT NULL
    ) AS r (again)
),
settled AS (
    UPDATE jobctl.jobs j
    SET
        status = d.status,
        waiting_on = CASE WHEN d.status = 'pending'
            THEN jobctl.waiting_reason(j.id, j.queue, j.job_type, j.concurrency_key) END,
        lease_id = NULL, lease_expires_at = NULL, pause_requested_at = NULL, cancel_requested_at = NULL,
        updated_at = jobctl.clock(),
        output_data = CASE WHEN d.status = 'completed' THEN d.output ELSE j.output_data END,
        result_path = CASE WHEN d.status = 'completed' THEN d.path ELSE j.result_path END,
        result_sha256 = CASE WHEN d.status = 'completed' THEN d.sha256 ELSE j.result_sha256 END,
        result_size = CASE WHEN d.status = 'completed' THEN d.size ELSE j.result_size END,
        progress = coalesce(d.progress || jsonb_build_object('updated_at', jobctl.clock()), j.progress),
        completed_at = CASE WHEN d.status IN ('completed', 'failed', 'cancelled') THEN jobctl.clock() END,
        paused_at = CASE WHEN d.status = 'paused' THEN jobctl.clock() ELSE j.paused_at END,
        run_s = j.run_s + greatest(0, extract(epoch FROM least(jobctl.clock(), j.lease_expires_at) - j.attempt_started_at)),
        crash_count = j.crash_count + CASE WHEN d.outcome = 'crashed' THEN 1 ELSE 0 END,
        retry_count = j.retry_count + CASE WHEN d.status = 'paused' AND d.again THEN 1 ELSE 0 END,
        error_type = CASE WHEN d.status = 'failed' OR (d.status = 'paused' AND d.again) THEN d.kind
            WHEN d.status = 'completed' THEN NULL ELSE j.error_type END,
        error_message = CASE WHEN d.status = 'failed' OR (d.status = 'paused' AND d.again) THEN d.message
            WHEN d.status = 'completed' THEN NULL ELSE j.error_message END,
        last_error = CASE WHEN d.status = 'failed' OR (d.status = 'paused' AND d.again) THEN d.raw ELSE j.last_error END,
        error_trace = CASE WHEN d.status = 'failed' OR (d.status = 'paused' AND d.again) THEN d.trace ELSE j.error_trace END,
        next_retry_at = CASE WHEN d.status = 'failed' AND d.again THEN jobctl.clock() + make_interval(secs => d.retry_after) END
    FROM decided d
    WHERE j.id = ANY (ARRAY(SELECT id FROM decided)) AND j.id = d.id
    RETURNING j.id, j.job_type, j.lease_seq, j.status, j.concurrency_key, j.next_retry_at, d.outcome, d.kind, d.message, d.raw,
        j.metadata ? 'notify_url' AS notify
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, from_status, to_status, actor, lease_seq, detail)
    SELECT
        id,
        CASE
            WHEN status = 'cancelled' THEN 'cancel'
            WHEN status = 'completed' THEN 'complete'
            WHEN outcome = 'crashed' AND status = 'failed' THEN 'abandon'
            WHEN status = 'failed' THEN 'fail'
            WHEN outcome = 'crashed' THEN 'rescue'
            WHEN status = 'paused' THEN 'pause'
            ELSE 'release'
        END,
        'processing', status, %(actor)s, lease_seq,
        CASE WHEN outcome IN ('failed', 'crashed')
            THEN jsonb_strip_nulls(jsonb_build_object('error_type', kind, 'message', message, 'raw', left(raw, 2048), 'next_retry_at', next_retry_at))
            ELSE '{}'::jsonb END
    FROM settled ORDER BY id
)
SELECT
    id, true AS settled, job_type, status, concurrency_key, notify,
    status = 'completed' AND EXISTS (SELECT FROM jobctl.job_dependencies d WHERE d.depends_on = settled.id) AS awaited
FROM settled
UNION ALL
SELECT id, false, NULL, NULL, NULL, NULL, NULL FROM ours WHERE id NOT IN (SELECT id FROM settled)
