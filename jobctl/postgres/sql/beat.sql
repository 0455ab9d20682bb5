-- Extends every lease of a worker at once, carries the newest progress, brings back the standing requests.
-- A job that is not in the answer is not ours any more. progress.updated_at is set here, by the database's clock, and
-- only when the job moved: a beat repeats the last progress, and a rate changes while nothing else does.
WITH alive AS (
    UPDATE jobctl.workers SET heartbeat_at = jobctl.clock() WHERE id = %(worker)s
    RETURNING draining_at IS NOT NULL AS draining
),
beaten AS (
    UPDATE jobctl.jobs j
    SET
        lease_expires_at = jobctl.clock() + make_interval(secs => %(ttl)s),
        heartbeat_at = jobctl.clock(),
        updated_at = jobctl.clock(),
        progress = CASE
            WHEN b.progress IS NULL THEN j.progress
            WHEN jsonb_typeof(j.progress) <> 'object' THEN b.progress || jsonb_build_object('updated_at', jobctl.clock())
            WHEN b.progress - '{updated_at,rate_per_s,eta_s}'::text[] = j.progress - '{updated_at,rate_per_s,eta_s}'::text[]
                AND j.progress ? 'updated_at'
                THEN b.progress || jsonb_build_object('updated_at', j.progress -> 'updated_at')
            ELSE b.progress || jsonb_build_object('updated_at', jobctl.clock())
        END
    FROM unnest(%(ids)s::bigint[], %(seqs)s::int[], %(leases)s::uuid[], %(progress)s::jsonb[])
        AS b (id, lease_seq, lease_id, progress)
    WHERE j.id = b.id AND j.lease_seq = b.lease_seq AND j.lease_id = b.lease_id AND j.status = 'processing'
    RETURNING j.id, j.pause_requested_at IS NOT NULL AS pause, j.cancel_requested_at IS NOT NULL AS cancel
)
SELECT b.id, b.pause, b.cancel, (SELECT draining FROM alive) AS draining
FROM (SELECT 1) one LEFT JOIN beaten b ON true
