-- Subtracts starts from the rates under which they were allowed.
UPDATE jobctl.limits l
SET
    tokens = least(
        greatest(1, %(burst)s * l.rate),
        CASE WHEN l.refilled_at > jobctl.clock() + interval '1 second' THEN 'infinity'
            ELSE l.tokens + l.rate * greatest(0, extract(epoch FROM jobctl.clock() - l.refilled_at)) END
    ) - spent.starts,
    refilled_at = jobctl.clock()
FROM unnest(%(kinds)s::text[], %(names)s::text[], %(starts)s::integer[]) AS spent (kind, name, starts)
WHERE l.kind = spent.kind AND l.name = spent.name AND l.rate IS NOT NULL
