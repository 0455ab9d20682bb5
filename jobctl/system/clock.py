"""The wall clock, and waiting. Lengths of time are measured with ``time.monotonic``, which no one sets back."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def local_now() -> datetime:
    """The present in the zone of this machine."""
    return now().astimezone()


def since_boot() -> float:
    """Seconds since the machine started, with those in which it was suspended where the system counts them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def sleep(seconds: float) -> None:
    """Waits."""
    time.sleep(seconds)
