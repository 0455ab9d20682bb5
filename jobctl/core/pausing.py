"""How a running job takes a pause, in words. ``Progress.pause_support`` says it of a stage that runs a program."""

from __future__ import annotations

from collections.abc import Mapping

from jobctl.core.job import Job
from jobctl.core.lifecycle import Status

NO_PAUSE = "none"
NEITHER = "its program has no handler for SIGTERM and has saved no checkpoint"
ON_PAUSE: Mapping[str, str] = {
    "checkpoint": "its program gets SIGTERM; resumes from checkpoint",
    "signal": "its program gets SIGTERM; resumes from checkpoint if it saves one (exit code 75)",
    NO_PAUSE: f"only with --freeze: {NEITHER}",
}
"""By support: what a pause does."""


def pauses_never(job: Job) -> bool:
    """Whether a pause stands that the program of the job cannot obey."""
    running = job.status is Status.PROCESSING and job.pause_requested_at is not None
    return running and not job.pause_freezes and job.progress.pause_support == NO_PAUSE
