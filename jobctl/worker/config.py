"""Configuration of a worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jobctl.core.limits import Limit


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """Times are seconds."""

    name: str
    host: str
    pid: int
    version: str
    types: tuple[str, ...]
    queues: tuple[str, ...] | None = None
    """None: every queue that has work."""
    concurrency: int = 1
    poll: float = 1.0
    grace: float = 30.0
    """How long a stopping worker waits for safe points, whatever is away."""
    cancel_grace: float = 10.0
    drain: bool = False
    once: bool = False
    max_jobs: int | None = None
    recycle_after: int = 20_000
    """Jobs after which a child process is replaced."""
    silent_limit: float = 900.0
    """Seconds without a message after which a child process that runs a job counts as hung."""
    auto_retry: bool = True
    paywall_holds: bool = False
    """Whether a paywall pauses its whole job type, instead of each job burning an attempt on it."""
    delays: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Job type → delays before its retries, in seconds; none: the general rule."""
    declared: Mapping[str, Limit] = field(default_factory=dict)
    """Job type → what its code declares to be its limit."""
    priority_age: float = 3600.0
    """Seconds by which a job may be due later than another for each step by which its priority is higher, to come first."""
    only: frozenset[int] | None = None
    """``submit --run``: end when these jobs, and what they submitted, have ended."""
