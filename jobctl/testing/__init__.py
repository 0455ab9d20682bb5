"""The kit for authors of job types: run a pipeline in a test, with every checkpoint written and read back."""

from jobctl.testing.run import Ran, run

__all__ = ["Ran", "run"]
