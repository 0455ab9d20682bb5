"""Ground floor: values and rules. No IO, no clock, no environment."""
