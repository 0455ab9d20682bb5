-- Takes up to `slots` due jobs under new tokens. Flat: one short index probe a target (queue × type × priority), from
-- the lowest position where work can still be; update by id = ANY(ARRAY(…)), because a join made the planner scan.
-- Of the queues, the one that has had the fewest turns for its weight comes first: `served` is that number. Within a queue
-- a job comes before all that were due later by `age` for each step of their higher priority. A queue or a type under a limit
-- gives no more than its limit allows. The lowest position is the higher one of that of the target and of `since` seconds ago.
WITH claimed AS (
    UPDATE jobctl.jobs
    SET
        status = 'processing',
        lease_seq = lease_seq + 1,
        lease_id = gen_random_uuid(),
        lease_expires_at = jobctl.clock() + make_interval(secs => %(ttl)s),
        heartbeat_at = jobctl.clock(),
        worker_id = %(worker)s,
        started_at = coalesce(started_at, jobctl.clock()),
        attempt_started_at = jobctl.clock(),
        updated_at = jobctl.clock()
    WHERE
        id = ANY (ARRAY(
            SELECT picked.id
            FROM (
                SELECT
                    turned.*,
                    row_number() OVER (PARTITION BY turned.job_type ORDER BY turned.turn, turned.rank, turned.id) AS in_type
                FROM (
                    SELECT
                        ready.id, ready.rank, target.job_type, target.queue_room, target.type_room,
                        row_number() OVER of_queue AS in_queue,
                        target.served + row_number() OVER of_queue / target.weight::double precision AS turn
                    FROM (
                        SELECT
                            target.*,
                            greatest(target.low_run_after, jobctl.clock() - make_interval(secs => %(since)s::float8)) AS from_run_after,
                            CASE WHEN target.low_run_after < jobctl.clock() - make_interval(secs => %(since)s::float8) THEN 0 ELSE target.low_id END AS from_id
                        FROM json_to_recordset(%(targets)s::json) AS target (
                            queue text, job_type text, priority smallint, low_run_after timestamptz, low_id bigint,
                            served double precision, weight integer, queue_room integer, type_room integer
                        )
                    ) target
                    CROSS JOIN LATERAL (
                        SELECT j.id, j.run_after - j.priority * make_interval(secs => %(age)s) AS rank
                        FROM jobctl.jobs j
                        WHERE
                            j.queue = target.queue AND j.job_type = target.job_type AND j.priority = target.priority
                            AND j.status = 'pending' AND j.waiting_on IS NULL
                            AND j.run_after <= jobctl.clock()
                            AND (%(only)s::bigint[] IS NULL OR j.id = ANY (%(only)s::bigint[])
                                OR j.created_by = ANY (%(follows)s::text[]))
                            AND (j.expires_at IS NULL OR j.started_at IS NOT NULL OR j.expires_at > jobctl.clock())
                            -- jobs of `submit --run` are reserved for the worker that it starts; few, and for a short time
                            AND (NOT j.metadata ? 'reserved_s' OR j.id = ANY (%(only)s::bigint[])
                                OR j.created_at < jobctl.clock() - make_interval(secs => (j.metadata ->> 'reserved_s')::float8))
                            AND (j.run_after, j.id) >= (target.from_run_after, target.from_id)
                        ORDER BY j.run_after, j.id
                        LIMIT %(slots)s
                        FOR UPDATE SKIP LOCKED
                    ) ready
                    -- a job that became pending while its queue was being paused may have missed the pause; a limit may have been
                    -- set since the worker learnt which there are. Arrays: their estimated cost does not depend on the parameters,
                    -- so one generic query plan is kept
                    WHERE target.queue <> ALL (ARRAY(
                            SELECT h.name FROM jobctl.holds h WHERE h.kind = 'queue'
                            UNION ALL
                            SELECT l.name FROM jobctl.limits l
                            WHERE l.kind = 'queue' AND (l.max_running IS NOT NULL OR l.rate IS NOT NULL) AND NOT %(counted)s::boolean
                        ))
                        AND target.job_type <> ALL (ARRAY(
                            SELECT h.name FROM jobctl.holds h WHERE h.kind = 'type'
                            UNION ALL
                            SELECT l.name FROM jobctl.limits l
                            WHERE l.kind = 'type' AND (l.max_running IS NOT NULL OR l.rate IS NOT NULL) AND NOT %(counted)s::boolean
                        ))
                    WINDOW of_queue AS (PARTITION BY target.queue ORDER BY ready.rank, ready.id)
                ) turned
                WHERE turned.queue_room IS NULL OR turned.in_queue <= turned.queue_room
            ) picked
            WHERE picked.type_room IS NULL OR picked.in_type <= picked.type_room
            ORDER BY picked.turn, picked.rank, picked.id
            LIMIT %(slots)s
        ))
        AND status = 'pending'
    RETURNING
        id, job_type, queue, priority, run_after, lease_seq, lease_id, input_data, metadata, title, retry_count, max_retries,
        progress, last_checkpoint_path,
        CASE WHEN lease_seq = 1 THEN greatest(0, extract(epoch FROM attempt_started_at - run_after))::float8 END AS wait_s
),
logged AS (
    INSERT INTO jobctl.events (job_id, kind, from_status, to_status, actor, lease_seq)
    SELECT id, 'claim', 'pending', 'processing', %(actor)s, lease_seq FROM claimed ORDER BY id
)
SELECT
    id, job_type, queue, priority, run_after, lease_seq, lease_id::text, input_data::text, metadata::text, title,
    retry_count, max_retries, progress::text, wait_s,
    CASE WHEN last_checkpoint_path IS NOT NULL THEN (
        SELECT jsonb_agg(jsonb_build_object(
            'seq', c.seq, 'stage', c.stage, 'done', c.done, 'complete', c.complete, 'path', c.path,
            'sha256', c.sha256, 'size', c.size, 'pause_safe', c.pause_safe
        ) ORDER BY c.seq)
        FROM jobctl.checkpoints c WHERE c.job_id = claimed.id
    ) END AS checkpoints
FROM claimed
ORDER BY run_after - priority * make_interval(secs => %(age)s), id
