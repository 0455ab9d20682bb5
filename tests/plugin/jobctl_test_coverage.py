"""Branch coverage of the processes that tests start, and of their forks."""

import os
import sys
import threading
import time
from contextlib import suppress

import coverage

EVERY = 0.25
"""Seconds between two saves of a worker's child: it is killed in the end, which leaves no time for a last one."""


def start(configuration: str) -> None:
    """Measures this process; nothing that it starts sees a variable of coverage."""
    os.environ["COVERAGE_PROCESS_CONFIG"] = configuration
    coverage.process_startup()
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
    if any("run_child(" in word for word in sys.orig_argv):
        os.register_at_fork(after_in_child=_save_from_now_on)


def _save_from_now_on() -> None:
    """In the fork that becomes a child, not in those of its handlers."""
    if not _saving.is_set():
        _saving.set()
        threading.Thread(target=_save, name="coverage", daemon=True).start()


def _save() -> None:
    while True:
        time.sleep(EVERY)
        if "jobctl.worker.child" in sys.modules:  # it has changed its account: no file of another stands in its way
            with suppress(Exception):  # it may be short of memory, or of descriptors
                coverage.Coverage.current().save()


_saving = threading.Event()
