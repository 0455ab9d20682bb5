-- Names another storage as that of the jobs, whatever was named before.
INSERT INTO jobctl.storage (storage_id, location) VALUES (%(storage_id)s, %(location)s)
ON CONFLICT (single) DO UPDATE
SET storage_id = excluded.storage_id, location = excluded.location, identified_at = jobctl.clock()
