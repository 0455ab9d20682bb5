"""Document engines; they know nothing of jobs."""
