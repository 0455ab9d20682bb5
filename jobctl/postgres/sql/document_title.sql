SELECT title FROM jobctl.documents WHERE id = %(document_id)s
