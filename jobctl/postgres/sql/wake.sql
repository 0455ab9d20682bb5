-- A hint that means nothing: does it arrive?
SELECT pg_notify('jobctl_ready', '')::text AS notified
