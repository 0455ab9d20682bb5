SELECT kind, name, max_running, rate, weight, declared, actor FROM jobctl.limits ORDER BY kind, name
