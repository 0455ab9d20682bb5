-- Sets a limit of a person, whole; one that code declares is replaced. A bucket that was full stays so.
INSERT INTO jobctl.limits (kind, name, max_running, rate, weight, actor)
VALUES (%(kind)s, %(name)s, %(max_running)s, %(rate)s, %(weight)s, %(actor)s)
ON CONFLICT (kind, name) DO UPDATE SET
    max_running = excluded.max_running, rate = excluded.rate, weight = excluded.weight, declared = false, actor = excluded.actor
RETURNING name
