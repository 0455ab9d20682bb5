-- Records a checkpoint whose bytes are already durable; with it, where a pause is pending and the point is safe, the pause.
-- No row returned: the lease is lost.
WITH job AS (
    UPDATE jobctl.jobs
    SET
        last_checkpoint_path = %(path)s,
        last_checkpoint_stage = %(stage)s,
        checkpoint_hash = %(sha256)s,
        progress = coalesce(%(progress)s::jsonb || jsonb_build_object('updated_at', jobctl.clock()), progress),
        entity_type = coalesce(%(entity_type)s, entity_type),
        entity_id = coalesce(%(entity_id)s, entity_id),
        updated_at = jobctl.clock(),
        status = CASE WHEN %(pause_safe)s AND pause_requested_at IS NOT NULL AND cancel_requested_at IS NULL
            THEN 'paused' ELSE status END,
        paused_at = CASE WHEN %(pause_safe)s AND pause_requested_at IS NOT NULL AND cancel_requested_at IS NULL
            THEN jobctl.clock() ELSE paused_at END,
        run_s = run_s + CASE WHEN %(pause_safe)s AND pause_requested_at IS NOT NULL AND cancel_requested_at IS NULL
            THEN greatest(0, extract(epoch FROM least(jobctl.clock(), lease_expires_at) - attempt_started_at)) ELSE 0 END,
        lease_id = CASE WHEN %(pause_safe)s AND pause_requested_at IS NOT NULL AND cancel_requested_at IS NULL
            THEN NULL ELSE lease_id END,
        lease_expires_at = CASE WHEN %(pause_safe)s AND pause_requested_at IS NOT NULL AND cancel_requested_at IS NULL
            THEN NULL ELSE jobctl.clock() + make_interval(secs => %(ttl)s) END,
        pause_requested_at = CASE WHEN %(pause_safe)s AND cancel_requested_at IS NULL
            THEN NULL ELSE pause_requested_at END
    WHERE
        id = %(id)s AND lease_seq = %(lease_seq)s AND lease_id = %(lease_id)s AND status = 'processing'
    RETURNING id, status, cancel_requested_at IS NOT NULL AS cancel, concurrency_key
),
forgotten AS (
    DELETE FROM jobctl.checkpoints c USING job
    WHERE c.job_id = job.id AND c.seq = ANY (%(forget)s::int[])
),
recorded AS (
    INSERT INTO jobctl.checkpoints (job_id, seq, lease_seq, stage, done, complete, path, sha256, size, pause_safe)
    SELECT
        id, %(seq)s, %(lease_seq)s, %(stage)s, %(done)s, %(complete)s, %(path)s, %(sha256)s, %(size)s, %(pause_safe)s
    FROM job
    ON CONFLICT DO NOTHING
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, from_status, to_status, actor, lease_seq, detail)
    SELECT id, e.kind, e.old, e.new, %(actor)s, %(lease_seq)s, e.detail
    FROM job CROSS JOIN LATERAL (
        VALUES
            ('checkpoint', NULL, NULL, jsonb_build_object('stage', %(stage)s::text, 'seq', %(seq)s::int, 'done', %(done)s::int)),
            ('pause', 'processing', 'paused', jsonb_build_object('stage', %(stage)s::text))
    ) AS e (kind, old, new, detail)
    WHERE e.kind = 'checkpoint' OR job.status = 'paused'
)
SELECT status, cancel FROM job
