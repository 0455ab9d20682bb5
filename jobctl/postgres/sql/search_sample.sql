SELECT c.id
FROM jobctl.search_passages p JOIN jobctl.chunks c ON c.id = p.chunk_id
WHERE NOT p.boilerplate AND c.engine = %(engine)s
ORDER BY p.sample, p.chunk_id
LIMIT %(count)s
