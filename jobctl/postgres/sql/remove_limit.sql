-- Removes a limit, whoever set it.
DELETE FROM jobctl.limits WHERE kind = %(kind)s AND name = %(name)s RETURNING name
