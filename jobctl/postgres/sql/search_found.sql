SELECT c.id, c.document_id, d.title, c.index, c.text, c.start_offset, c.end_offset, c.heading_path, c.page_start,
    d.source_type, d.language, c.engine, c.vector
FROM jobctl.chunks c JOIN jobctl.documents d ON d.id = c.document_id
WHERE c.id = ANY(%(passages)s::bigint[])
ORDER BY c.id
