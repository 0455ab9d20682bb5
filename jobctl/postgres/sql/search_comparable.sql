SELECT c.id
FROM jobctl.chunks c JOIN jobctl.search_passages p ON p.chunk_id = c.id
WHERE NOT p.boilerplate AND c.engine = %(engine)s
    AND (%(documents)s::bigint[] IS NULL OR c.document_id = ANY(%(documents)s::bigint[]))
ORDER BY c.document_id, c.index
