SELECT title, language FROM jobctl.documents WHERE id = %(document)s FOR NO KEY UPDATE
