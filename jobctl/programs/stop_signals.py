"""Programs that are ended with their worker: some service managers signal every process of a service at once.

So does Slurm, and systemd without ``KillMode=mixed``. The program is gone before the worker has told its job to stop.
"""

from __future__ import annotations

import signal
import time

from jobctl.core.ports import Stops
from jobctl.programs.exits import SHELL_SIGNAL
from jobctl.system.clock import sleep

TERMINATED = (-signal.SIGTERM, SHELL_SIGNAL + signal.SIGTERM)
"""Exit codes of a program that SIGTERM ended."""
TOLD_WITHIN = 2.0
"""Seconds in which a worker that received the same signal tells its job."""
LOOK_EVERY = 0.02


def stop_follows(stops: Stops) -> bool:
    """Whether the job of a program that SIGTERM has ended is asked to stop as well, now or in a moment."""
    deadline = time.monotonic() + TOLD_WITHIN
    while not (stops.release or stops.pause or stops.cancel):
        if time.monotonic() >= deadline:
            return False
        sleep(LOOK_EVERY)
    return True
