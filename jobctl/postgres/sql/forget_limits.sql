-- Removes what the code of these job types declared, except where it declares the same again.
-- rows: [{name, max_running, rate}]
DELETE FROM jobctl.limits l
WHERE l.kind = 'type' AND l.declared AND l.name = ANY (%(types)s)
    AND NOT EXISTS (
        SELECT FROM json_to_recordset(%(rows)s::json) AS d (name text, max_running integer, rate double precision)
        WHERE d.name = l.name AND d.max_running IS NOT DISTINCT FROM l.max_running AND d.rate IS NOT DISTINCT FROM l.rate
    )
