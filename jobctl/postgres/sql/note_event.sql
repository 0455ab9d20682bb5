-- A line of history that changes no status: a warning, a fallback.
INSERT INTO jobctl.events (job_id, kind, actor, lease_seq, detail)
VALUES (%(id)s, %(kind)s, %(actor)s, %(lease_seq)s, %(detail)s)
