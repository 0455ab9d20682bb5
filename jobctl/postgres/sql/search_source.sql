SELECT c.id, c.text, c.heading_path
FROM jobctl.chunks c
WHERE c.document_id = %(document)s
ORDER BY c.id
