-- The jobs that a job waits for; status null: deleted.
SELECT d.depends_on AS id, j.status
FROM jobctl.job_dependencies d LEFT JOIN jobctl.jobs j ON j.id = d.depends_on
WHERE d.job_id = %(id)s ORDER BY d.depends_on
