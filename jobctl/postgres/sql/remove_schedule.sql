-- Removes a schedule; its jobs stay.
DELETE FROM jobctl.schedules WHERE name = %(name)s RETURNING name
