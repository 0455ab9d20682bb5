"""The kit for authors of job types."""
