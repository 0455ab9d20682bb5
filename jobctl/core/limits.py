"""Limits of queues and job types across all workers: how many jobs run at once, and how many start in a time."""

from __future__ import annotations

import re
from dataclasses import dataclass

PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
MOST = 1_000_000
"""The largest number of a rate, and of running jobs."""
BURST = 2.0
"""Seconds of a rate that may start at once, after a while without starts; at least one job."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What is set for a queue or a job type. None: nothing."""

    kind: str
    """queue or type"""
    name: str
    max_running: int | None = None
    rate: float | None = None
    """Starts in a second."""
    weight: int | None = None
    """Turns of a queue for each turn of one without a weight."""
    declared: bool = False
    """Whether the code of the job type declares it."""
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Room:
    """How many jobs may start now under a limit."""

    kind: str
    name: str
    running: int
    max_running: int | None
    rate: float | None
    tokens: float | None
    """Starts that the rate allows now; None without a rate."""

    @property
    def free(self) -> int:
        """Jobs that may start now."""
        by_rate = MOST if self.tokens is None else int(self.tokens)
        by_number = MOST if self.max_running is None else self.max_running - self.running
        return max(0, min(by_rate, by_number))

    @property
    def next_in(self) -> float:
        """Seconds until the rate allows the next start."""
        if self.tokens is None or self.rate is None:
            return 0.0
        return max(0.0, 1 - self.tokens) / self.rate


def parse_rate(text: str) -> float:
    """Starts in a second: ``60/m``, ``5/s``, ``1000/h``, ``10/d``. Raises ``ValueError``."""
    found = re.fullmatch(r"\s*([0-9]{1,7})\s*/\s*([smhd])\s*", text)
    if found is None or not 1 <= int(found[1]) <= MOST:
        raise ValueError(f"{text[:60]!r} is not a rate: use 5/s, 60/m, 1000/h or 10/d")
    return int(found[1]) / PERIODS[found[2]]


def rate_text(rate: float) -> str:
    """``60/m``: in the shortest period in which it is a whole number."""
    for unit, seconds in PERIODS.items():
        if abs(rate * seconds - round(rate * seconds)) < 1e-6 * max(1.0, rate * seconds) and round(rate * seconds) >= 1:
            return f"{round(rate * seconds)}/{unit}"
    return f"{rate:g}/s"
