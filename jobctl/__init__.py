"""jobctl: long document jobs on Postgres, from the shell and from Python.

Authors of job types need ``Pipeline`` and ``Context``; applications need ``connect``. Their types are in
``__init__.pyi``; each is imported on first use, so that ``jobctl --help`` loads none of them.
"""

from importlib import import_module

__version__ = "0.1.0"
_MODULES = {
    "Client": "jobctl.client", "Context": "jobctl.core.ports", "ControlOutcome": "jobctl.core.lifecycle",
    "ControlResult": "jobctl.core.job", "Filters": "jobctl.core.filters", "Job": "jobctl.core.job", "Options": "jobctl.client",
    "Pipeline": "jobctl.core.pipeline", "Progress": "jobctl.core.job", "Retry": "jobctl.core.retry_policy", "Status": "jobctl.core.lifecycle",
    "StatusChanged": "jobctl.core.watching", "Noted": "jobctl.core.watching", "Progressed": "jobctl.core.watching",
    "Deleted": "jobctl.core.watching", "WatchEvent": "jobctl.core.watching", "Submitted": "jobctl.core.job", "Waited": "jobctl.client", "connect": "jobctl.wiring.application",
    "verify_notification": "jobctl.core.notifications",
}  # fmt: skip
__all__ = [*_MODULES, "__version__", "errors"]  # noqa: PLE0604 - names of the table above


def __getattr__(name: str) -> object:
    if name == "errors":
        return import_module("jobctl.core.errors")
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
