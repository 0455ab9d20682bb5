-- Remembers where the next turn begins, and when.
UPDATE jobctl.retention SET position = %(position)s, next_at = jobctl.clock() + make_interval(secs => %(pause_s)s)
