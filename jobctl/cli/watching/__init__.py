"""Watching jobs: what is looked at, and the views that show it."""
