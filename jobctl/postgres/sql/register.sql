-- Registers a supervisor; removes rows of workers that stopped long ago.
WITH gone AS (
    DELETE FROM jobctl.workers w
    WHERE
        w.heartbeat_at < jobctl.clock() - interval '1 day'
        AND NOT EXISTS (SELECT FROM jobctl.jobs j WHERE j.status = 'processing' AND j.worker_id = w.id)
)
INSERT INTO jobctl.workers (
    name, host, pid, version, capacity, job_types, queues, lease_s, revision, boot_id, pid_namespace, process_start
)
VALUES (
    %(name)s, %(host)s, %(pid)s, %(version)s, %(capacity)s, %(job_types)s, %(queues)s, %(lease_s)s, %(revision)s,
    %(boot_id)s, %(pid_namespace)s, %(process_start)s
)
RETURNING id
