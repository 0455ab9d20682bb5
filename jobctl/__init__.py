"""jobctl: long document jobs on Postgres, from the shell and from Python.

Authors of job types need ``Pipeline`` and ``Context``; callers need ``connect`` from ``jobctl.wiring``. Their
types are in ``__init__.pyi``; each is imported on first use, so that ``jobctl --help`` loads none of them.
"""

from importlib import import_module

__version__ = "0.1.0"
_MODULES = {
    "Context": "jobctl.core.ports", "Job": "jobctl.core.job", "Pipeline": "jobctl.core.pipeline",
    "Progress": "jobctl.core.job",
}  # fmt: skip
__all__ = ["Context", "Job", "Pipeline", "Progress", "__version__", "errors"]


def __getattr__(name: str) -> object:
    if name == "errors":
        return import_module("jobctl.core.errors")
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
