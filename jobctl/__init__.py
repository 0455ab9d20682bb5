"""jobctl: long document jobs on Postgres, from the shell and from Python.

Authors of job types need ``Pipeline`` and ``Context``; callers need ``connect`` from ``jobctl.wiring``. What they are is
said in ``__init__.pyi``; each is imported when it is asked for, so that ``jobctl --help`` pays for none of them.
"""

from importlib import import_module

__version__ = "0.1.0"
_HOMES = {
    "Context": "jobctl.core.ports", "Job": "jobctl.core.job", "Pipeline": "jobctl.core.pipeline",
    "Progress": "jobctl.core.job",
}  # fmt: skip
__all__ = ["Context", "Job", "Pipeline", "Progress", "__version__", "errors"]


def __getattr__(name: str) -> object:
    if name == "errors":
        return import_module("jobctl.core.errors")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
