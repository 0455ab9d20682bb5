"""Notifications of jobs that have ended: what is sent, how it is signed, when it is tried again."""

from __future__ import annotations

import hashlib
import hmac
import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from jobctl.core.errors import UsageError

SIGNATURE_HEADER = "X-Jobctl-Signature"
MAX_TRIES = 15
"""Deliveries after which a notification is given up: about three hours after the first."""
LONGEST_DELAY = 3600.0
JITTER = 0.1
LONGEST_URL = 2048


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification that this worker is to deliver now; ``tries`` counts this delivery."""

    id: int
    job_id: int
    url: str
    host: str
    event: Mapping[str, Any]
    tries: int


class Delivery(StrEnum):
    """What became of a delivery."""

    DELIVERED = "delivered"
    FAILED = "undelivered"
    """It is tried again."""
    REFUSED = "refused"
    """The receiver wants no more of it (410), or the URL can't be used."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The outcome of a delivery, with the reason where it failed."""

    outcome: Delivery
    reason: str | None = None


def retry_in(tries: int) -> float | None:
    """Seconds until the delivery after ``tries`` of them: 1, 2, 4 … 3600, and up to 10 % more; None: no more."""
    if tries >= MAX_TRIES:
        return None
    return min(2.0 ** (tries - 1), LONGEST_DELAY) * (1 + random.uniform(0, JITTER))  # noqa: S311 - jitter, not a secret


def signature(body: bytes, secret: str) -> str:
    """The value of the header ``X-Jobctl-Signature``: ``sha256=`` and the HMAC of the body as hexadecimal digits."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def verify_notification(body: bytes, header: str | None, secret: str) -> bool:
    """Whether a request has the signature of ``secret``: for the application that receives a notification.

    ``body`` is the request's body as it was received, ``header`` the value of ``X-Jobctl-Signature``.
    """
    return hmac.compare_digest(signature(body, secret).encode(), (header or "").encode())


def checked_url(url: str) -> str:
    """The URL of a notification. Raises ``UsageError`` for one that is not http(s), has no host or has a password."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError("the URL to notify is not usable", hint="http://host/path or https://host/path")
    if "@" in parts.netloc:
        raise UsageError("the URL to notify contains a user or password", hint="Check the signature instead.")
    return url
