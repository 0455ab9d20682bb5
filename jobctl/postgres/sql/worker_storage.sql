-- Whether a worker can use the storage, for people.
UPDATE jobctl.workers SET storage_away = %(reason)s WHERE id = %(worker)s
