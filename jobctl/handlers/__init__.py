"""The built-in job types, one file each, installed through the same entry points as those of others."""
