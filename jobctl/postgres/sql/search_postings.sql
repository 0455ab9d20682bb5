SELECT t.term, (sum(octet_length(t.postings)) / 8)::bigint AS passages,
    coalesce(string_agg(t.postings, ''::bytea) FILTER (WHERE d.id IS NOT NULL), '') AS packed
FROM jobctl.search_terms t
LEFT JOIN jobctl.documents d ON d.id = t.document_id AND (%(documents)s::bigint[] IS NULL OR d.id = ANY(%(documents)s::bigint[]))
    AND (%(types)s::text[] IS NULL OR d.source_type = ANY(%(types)s::text[]))
    AND (%(languages)s::text[] IS NULL OR d.language = ANY(%(languages)s::text[]))
    AND (%(since)s::timestamptz IS NULL OR d.updated_at >= %(since)s::timestamptz)
    AND (%(without)s::bigint IS NULL OR d.id <> %(without)s::bigint)
WHERE t.term = ANY(%(terms)s::integer[])
GROUP BY t.term
