UPDATE jobctl.workers SET stopped_at = jobctl.clock(), heartbeat_at = jobctl.clock() WHERE id = %(worker)s
