-- The storage that has the bytes of the jobs; no row: none was identified yet. And whether this login may identify one.
SELECT s.storage_id, s.location, s.identified_at, has_table_privilege('jobctl.storage', 'INSERT') AS may_identify
FROM (SELECT 1) one LEFT JOIN jobctl.storage s ON true
