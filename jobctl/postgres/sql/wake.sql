-- A notification without meaning, to test whether it arrives.
SELECT pg_notify('jobctl_ready', '')::text AS notified
