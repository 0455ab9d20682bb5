-- Extends every lease of a worker at once, stores the newest progress, returns the pending requests.
-- A job that is not returned belongs to another worker now. A row that another session has locked is skipped: it is still
-- this worker's, it can't be claimed meanwhile, and the next heartbeat tries again. progress.updated_at is set here, by the database's
-- clock, and only when the job moved: a heartbeat repeats the last progress, and a rate changes while nothing else does.
WITH alive AS (
    UPDATE jobctl.workers SET heartbeat_at = jobctl.clock()
    WHERE id = (SELECT id FROM jobctl.workers WHERE id = %(worker)s FOR NO KEY UPDATE SKIP LOCKED)
),
asked AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(seqs)s::int[], %(leases)s::uuid[], %(progress)s::jsonb[], %(frozen)s::boolean[])
        AS b (id, lease_seq, lease_id, progress, frozen)
),
ours AS MATERIALIZED (
    SELECT
        j.id, j.pause_requested_at IS NOT NULL AS paused, j.cancel_requested_at IS NOT NULL AS cancel, j.pause_freezes AS freezes
    FROM asked b JOIN jobctl.jobs j ON
        j.id = b.id AND j.lease_seq = b.lease_seq AND j.lease_id = b.lease_id AND j.status = 'processing'
),
free AS MATERIALIZED (
    SELECT j.id FROM jobctl.jobs j WHERE j.id = ANY (ARRAY(SELECT id FROM ours)) ORDER BY j.id FOR NO KEY UPDATE SKIP LOCKED
),
beaten AS (
    UPDATE jobctl.jobs j
    SET
        lease_expires_at = jobctl.clock() + make_interval(secs => %(ttl)s),
        heartbeat_at = jobctl.clock(),
        updated_at = jobctl.clock(),
        frozen_at = CASE WHEN b.frozen THEN CASE
            WHEN j.frozen_at >= j.attempt_started_at THEN j.frozen_at ELSE jobctl.clock()
        END END,
        progress = CASE
            WHEN b.progress IS NULL THEN j.progress
            WHEN jsonb_typeof(j.progress) <> 'object' THEN b.progress || jsonb_build_object('updated_at', jobctl.clock())
            WHEN b.progress - '{updated_at,rate_per_s,eta_s}'::text[] = j.progress - '{updated_at,rate_per_s,eta_s}'::text[]
                AND j.progress ? 'updated_at'
                THEN b.progress || jsonb_build_object('updated_at', j.progress -> 'updated_at')
            ELSE b.progress || jsonb_build_object('updated_at', jobctl.clock())
        END
    FROM asked b
    WHERE
        j.id = ANY (ARRAY(SELECT id FROM free))
        AND j.id = b.id AND j.lease_seq = b.lease_seq AND j.lease_id = b.lease_id AND j.status = 'processing'
    RETURNING
        j.id, j.pause_requested_at IS NOT NULL AS paused, j.cancel_requested_at IS NOT NULL AS cancel, j.pause_freezes AS freezes
)
SELECT
    o.id, coalesce(b.paused, o.paused) AND NOT coalesce(b.freezes, o.freezes) AS pause,
    coalesce(b.cancel, o.cancel) AS cancel, coalesce(b.paused, o.paused) AND coalesce(b.freezes, o.freezes) AS freeze,
    (SELECT draining_at IS NOT NULL FROM jobctl.workers WHERE id = %(worker)s) AS draining
FROM (SELECT 1) one LEFT JOIN ours o ON true LEFT JOIN beaten b USING (id)
