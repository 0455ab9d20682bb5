"""Notifications that wait for their delivery."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from jobctl.core.notifications import Delivered, Delivery, Notification, retry_in
from jobctl.postgres.session import Connect, Session

LEASE = 120.0
"""Seconds after which a delivery without an outcome is tried by another worker; longer than any delivery takes."""


class Outbox(Session):
    """The table of notifications, as the thread of a worker uses it."""

    CHECKED = ()

    def __init__(self, connect: Connect, *, actor: str = "") -> None:
        super().__init__(connect)
        self.actor = actor

    def claim(self, busy: Collection[str], limit: int) -> list[Notification]:
        """Takes due notifications, at most one for each host, none for hosts in ``busy``."""
        rows = self._run("claim_notifications", busy=list(busy), limit=limit, lease_s=LEASE)
        return [Notification(**row) for row in rows]

    def settle(self, notification: Notification, delivered: Delivered) -> None:
        """Records the outcome of a delivery; a failed one is due again later, until its tries are used up."""
        failed = delivered.outcome is Delivery.FAILED
        self._run(
            "settle_notification",
            id=notification.id,
            tries=notification.tries,
            delivered=delivered.outcome is Delivery.DELIVERED,
            retry_s=retry_in(notification.tries) if failed else None,
            reason=delivered.reason,
            actor=self.actor,
        )

    def next_due(self, busy: Collection[str]) -> float | None:
        """Seconds until a notification to another host than these is due; None: there is none."""
        rows = self._run("next_notification", busy=list(busy))
        return float(rows[0]["seconds"]) if rows else None

    def end_event(self, job_id: int) -> Mapping[str, Any] | None:
        """What a notification says of a job; None while it has not ended, or will be retried."""
        rows = self._run("end_event", id=job_id)
        return rows[0]["event"] if rows else None
