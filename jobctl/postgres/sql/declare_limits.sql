-- Adds the limits that the code of job types declares, where a person has set none.
-- rows: [{name, max_running, rate}]
INSERT INTO jobctl.limits (kind, name, max_running, rate, declared, actor)
SELECT 'type', d.name, d.max_running, d.rate, true, %(actor)s
FROM json_to_recordset(%(rows)s::json) AS d (name text, max_running integer, rate double precision)
ON CONFLICT (kind, name) DO NOTHING
