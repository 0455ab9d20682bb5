-- Adds a schedule; no row where the name is taken.
INSERT INTO jobctl.schedules (name, cron, every_s, tz, job, catch_up, overlap, created_by, created_at, next_at)
VALUES (
    %(name)s, %(cron)s, %(every)s, %(tz)s, %(job)s, %(catch_up)s, %(overlap)s, %(actor)s, %(created_at)s, %(next_at)s
)
ON CONFLICT (name) DO NOTHING
RETURNING name
