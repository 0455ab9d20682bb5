"""The worker: a supervisor that claims jobs, renews leases and settles outcomes, and long-lived child processes that run handlers."""
