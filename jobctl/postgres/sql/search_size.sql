SELECT coalesce(sum(s.passages), 0)::bigint AS passages, coalesce(sum(s.words), 0)::bigint AS words,
    coalesce(array_agg(DISTINCT s.dictionary) FILTER (WHERE s.dictionary IS NOT NULL), '{}') AS dictionaries,
    count(*) FILTER (WHERE s.version IS DISTINCT FROM %(version)s) AS missing
FROM jobctl.documents d LEFT JOIN jobctl.search_documents s ON s.document_id = d.id
WHERE (%(documents)s::bigint[] IS NULL OR d.id = ANY(%(documents)s::bigint[]))
    AND (%(types)s::text[] IS NULL OR d.source_type = ANY(%(types)s::text[]))
    AND (%(languages)s::text[] IS NULL OR d.language = ANY(%(languages)s::text[]))
    AND (%(since)s::timestamptz IS NULL OR d.updated_at >= %(since)s::timestamptz)
    AND (%(without)s::bigint IS NULL OR d.id <> %(without)s::bigint)
