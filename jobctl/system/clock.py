"""The wall clock, and waiting. Lengths of time are measured with ``time.monotonic``, which no one sets back."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def local_now() -> datetime:
    """The present in the zone of this machine."""
    return now().astimezone()


def sleep(seconds: float) -> None:
    """Waits."""
    time.sleep(seconds)
