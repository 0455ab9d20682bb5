SELECT c.id, c.document_id, c.text, c.vector, c.themes, c.polarity, p.terms
FROM jobctl.chunks c JOIN jobctl.search_passages p ON p.chunk_id = c.id
WHERE c.id = ANY(%(passages)s::bigint[]) AND c.engine = %(engine)s AND NOT p.boilerplate
ORDER BY c.document_id, c.index
