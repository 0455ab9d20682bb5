"""jobctl: long document jobs on Postgres, from the shell and from Python.

Authors of job types need ``Pipeline`` and ``Context``; callers need ``connect`` from ``jobctl.wiring``.
"""

from jobctl.core import errors
from jobctl.core.job import Job, Progress
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context

__version__ = "0.1.0"
__all__ = ["Context", "Job", "Pipeline", "Progress", "__version__", "errors"]
