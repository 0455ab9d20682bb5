-- Some of the newest keys of the storage that rows refer to.
(SELECT path AS key FROM jobctl.checkpoints ORDER BY job_id DESC, seq DESC LIMIT 20)
UNION
(
    SELECT i.file ->> 'key'
    FROM (SELECT metadata FROM jobctl.jobs ORDER BY id DESC LIMIT 1000) j
    CROSS JOIN LATERAL jsonb_path_query(j.metadata, 'lax $.inputs.*') AS i (file)
    WHERE i.file ->> 'key' IS NOT NULL
    LIMIT 20
)
UNION
(SELECT result_path FROM (SELECT result_path FROM jobctl.jobs ORDER BY id DESC LIMIT 1000) r WHERE result_path IS NOT NULL LIMIT 20)
