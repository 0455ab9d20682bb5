-- Polled by a wait: small and by primary key.
SELECT id, status FROM jobctl.jobs WHERE id = ANY (%(ids)s)
