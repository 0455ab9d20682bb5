"""Retries while a database starts: for workers, not for commands, which fail at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from jobctl.core.errors import DatabaseRefused, StoreUnavailable

T = TypeVar("T")


def retry_until_available(act: Callable[[], T], *, seconds: float) -> T:
    """Returns the result of ``act``, retried for up to ``seconds`` while the database is unreachable."""
    retrying = Retrying(
        stop=stop_after_delay(seconds),
        wait=wait_random_exponential(multiplier=0.1, max=2.0),
        retry=retry_if_exception(lambda e: isinstance(e, StoreUnavailable) and not isinstance(e, DatabaseRefused)),
        reraise=True,
    )
    return retrying(act)
