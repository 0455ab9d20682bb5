"""Requests to services on the network: a dropped connection is retried, and a service may say when to come back."""

from __future__ import annotations

from collections.abc import Callable

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from jobctl.core.errors import Transient

TRIES = 3
LONGEST_WAIT = 3600.0
"""Seconds; a longer ``Retry-After`` counts as this."""
_RETRY = Retrying(
    retry=retry_if_exception_type(httpx.TransportError), stop=stop_after_attempt(TRIES),
    wait=wait_random_exponential(multiplier=0.1, max=2), reraise=True,
)  # fmt: skip


def send(service: str, request: Callable[[], httpx.Response]) -> httpx.Response:
    """The response, whatever its status. Raises ``Transient``, naming the service and no address, where there is none."""
    try:
        return _RETRY.copy()(request)
    except httpx.TransportError as error:
        raise Transient(f"{service} can't be reached: {type(error).__name__}") from None


def retry_after(response: httpx.Response) -> float | None:
    """Seconds after which the service wants to be tried again; None where it does not say, or names a date."""
    try:
        seconds = float(response.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return min(seconds, LONGEST_WAIT) if seconds >= 0 else None
