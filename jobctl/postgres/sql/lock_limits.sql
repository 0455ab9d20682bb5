-- Locks limits until the end of the transaction: what is claimed under them is counted by one session at a time. In one order,
-- so that two sessions never wait for each other.
SELECT l.kind, l.name
FROM jobctl.limits l JOIN unnest(%(kinds)s::text[], %(names)s::text[]) AS wanted (kind, name) USING (kind, name)
ORDER BY l.kind, l.name
FOR NO KEY UPDATE OF l
