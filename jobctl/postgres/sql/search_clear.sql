WITH terms AS (DELETE FROM jobctl.search_terms WHERE document_id = %(document)s),
documents AS (DELETE FROM jobctl.search_documents WHERE document_id = %(document)s)
DELETE FROM jobctl.search_passages p USING jobctl.chunks c
WHERE c.document_id = %(document)s AND p.chunk_id = c.id
