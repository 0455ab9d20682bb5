"""The kit for authors of job types: run a pipeline in a test, with every checkpoint written and read back."""

from jobctl.testing.run import RunResult, run

__all__ = ["RunResult", "run"]
