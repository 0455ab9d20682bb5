"""The worker: a supervisor that claims, beats and settles, and long-lived children that run handlers."""
