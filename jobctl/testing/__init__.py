"""The kit for authors of job types: run a pipeline in a test, with every checkpoint written and read back, or a real worker.

``worker`` is also the pytest fixture ``jobctl_worker``.
"""

from jobctl.testing.run import RunResult, failure, run
from jobctl.testing.worker import JobFailed, TestWorker, worker

__all__ = ["JobFailed", "RunResult", "TestWorker", "failure", "run", "worker"]
