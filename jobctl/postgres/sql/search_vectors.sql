SELECT c.id, c.vector
FROM jobctl.chunks c JOIN jobctl.documents d ON d.id = c.document_id
WHERE c.engine = %(engine)s AND octet_length(c.vector) > 0 AND c.id > %(after)s AND (%(documents)s::bigint[] IS NULL OR d.id = ANY(%(documents)s::bigint[]))
    AND (%(types)s::text[] IS NULL OR d.source_type = ANY(%(types)s::text[]))
    AND (%(languages)s::text[] IS NULL OR d.language = ANY(%(languages)s::text[]))
    AND (%(since)s::timestamptz IS NULL OR d.updated_at >= %(since)s::timestamptz)
    AND (%(without)s::bigint IS NULL OR d.id <> %(without)s::bigint)
ORDER BY c.id
LIMIT %(size)s
