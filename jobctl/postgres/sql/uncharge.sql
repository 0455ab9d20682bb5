-- Takes back the charge of rescues whose worker, which asks, is alive after all: once for each attempt. A job that was abandoned
-- for it goes back to its queue. Returns the attempts to ask for again: another session has the row locked.
WITH charged AS MATERIALIZED (
    SELECT e.job_id AS id, e.lease_seq, e.id AS event_id
    FROM unnest(%(ids)s::bigint[], %(seqs)s::int[]) AS a (id, lease_seq)
    JOIN jobctl.events e ON e.job_id = a.id AND e.lease_seq = a.lease_seq
    WHERE
        e.kind IN ('rescue', 'abandon') AND e.detail ->> 'reason' = 'lease expired'
        AND (e.detail ->> 'worker')::bigint = %(worker)s
),
standing AS MATERIALIZED (
    SELECT c.id, c.lease_seq
    FROM charged c
    JOIN jobctl.jobs j USING (id)
    WHERE j.crash_count > 0 AND (j.status IN ('pending', 'processing', 'paused') OR j.status = 'failed')
        AND NOT EXISTS (
            SELECT FROM jobctl.events l
            WHERE l.job_id = c.id AND l.id > c.event_id
                AND (l.kind IN ('restart', 'retry') OR (l.kind = 'uncharge' AND l.lease_seq = c.lease_seq))
        )
),
free AS MATERIALIZED (
    SELECT
        j.id, s.attempts, s.last, j.status AS was,
        -- of one idempotency key one job is unfinished at a time
        j.status = 'failed' AND j.lease_seq = s.last AND NOT EXISTS (
            SELECT FROM jobctl.jobs o
            WHERE o.idempotency_key = j.idempotency_key AND o.id <> j.id AND o.status IN ('pending', 'processing', 'paused')
        ) AS again
    FROM (SELECT id, count(*)::int AS attempts, max(lease_seq) AS last FROM standing GROUP BY id) s
    JOIN jobctl.jobs j USING (id)
    ORDER BY j.id
    FOR NO KEY UPDATE OF j SKIP LOCKED
),
moved AS (
    UPDATE jobctl.jobs j
    SET
        crash_count = greatest(0, j.crash_count - f.attempts),
        status = CASE WHEN f.again THEN 'pending' ELSE j.status END,
        waiting_on = CASE WHEN f.again
            THEN jobctl.waiting_reason(j.id, j.queue, j.job_type, j.concurrency_key) ELSE j.waiting_on END,
        completed_at = CASE WHEN f.again THEN NULL ELSE j.completed_at END,
        error_type = CASE WHEN f.again THEN NULL ELSE j.error_type END,
        error_message = CASE WHEN f.again THEN NULL ELSE j.error_message END,
        last_error = CASE WHEN f.again THEN NULL ELSE j.last_error END,
        updated_at = jobctl.clock()
    FROM free f
    WHERE j.id = f.id
    RETURNING j.id, j.crash_count, f.last, f.was, f.again
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, from_status, to_status, actor, lease_seq, detail)
    SELECT
        m.id, 'uncharge', c.moved_from, CASE WHEN c.moved_from IS NOT NULL THEN 'pending' END, %(actor)s, s.lease_seq,
        jsonb_build_object('crash_count', m.crash_count, 'reason', 'its worker is alive')
    FROM moved m
    JOIN standing s USING (id)
    CROSS JOIN LATERAL (SELECT CASE WHEN m.again AND s.lease_seq = m.last THEN m.was END) AS c (moved_from)
    ORDER BY m.id, s.lease_seq
)
SELECT s.id, s.lease_seq FROM standing s WHERE NOT EXISTS (SELECT FROM free f WHERE f.id = s.id) ORDER BY s.id
