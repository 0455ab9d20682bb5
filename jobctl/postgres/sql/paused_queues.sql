SELECT kind, name, since, reason, actor FROM jobctl.holds ORDER BY kind, name
