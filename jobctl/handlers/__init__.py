"""The built-in job types, one file each, written against the same door that others use."""
