-- What a wait asks for again and again: small and by primary key.
SELECT id, status FROM jobctl.jobs WHERE id = ANY (%(ids)s)
