-- Names the storage of the jobs, if none has a name yet.
INSERT INTO jobctl.storage (storage_id, location) VALUES (%(storage_id)s, %(location)s) ON CONFLICT (single) DO NOTHING
