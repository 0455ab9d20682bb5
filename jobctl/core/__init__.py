"""Values and rules. No IO, no clock, no environment."""
