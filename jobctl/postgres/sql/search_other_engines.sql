SELECT count(*) AS others FROM jobctl.chunks WHERE engine <> %(engine)s
