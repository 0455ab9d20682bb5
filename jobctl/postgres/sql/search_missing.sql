SELECT d.id FROM jobctl.documents d LEFT JOIN jobctl.search_documents s ON s.document_id = d.id
WHERE s.version IS DISTINCT FROM %(version)s
ORDER BY d.id
