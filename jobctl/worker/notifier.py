"""Sends the notifications of jobs that have ended, in threads: no endpoint and no command delays the supervisor.

One thread uses the database; each delivery has a thread of its own, which holds no connection and no transaction. A
notification is in the table until it has arrived, so that a worker that dies loses none: another sends it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Protocol, assert_never

from jobctl.core.errors import JobctlError
from jobctl.core.notifications import Delivered, Delivery, Notification
from jobctl.worker.log_fields import of_id

log = logging.getLogger("jobctl.worker")

SLOTS = 8
"""Deliveries, and commands, at once."""
MOST_COMMANDS = 1000
"""Jobs whose command waits; those that end meanwhile get none."""
LEFT_OUT = "job %d ended, and notify_command is %d jobs behind: it is left out"
AGAIN = 5.0
"""Seconds until the database is asked again after it failed."""


class NotificationTable(Protocol):
    """The table of notifications: ``postgres.outbox.Outbox``."""

    def claim(self, busy: set[str], limit: int) -> list[Notification]: ...
    def settle(self, notification: Notification, delivered: Delivered) -> None: ...
    def next_due(self, busy: set[str]) -> float | None: ...
    def end_event(self, job_id: int) -> Mapping[str, Any] | None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Due:
    """Notifications are due."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """A job of this worker has ended."""

    job_id: int


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A delivery is over."""

    notification: Notification
    delivered: Delivered


@dataclass(frozen=True, slots=True)
class _Ran:
    """A command is over."""


@dataclass(frozen=True, slots=True)
class _Stop:
    """Finish what is due until a moment of the monotonic clock."""

    until: float


_Message = _Due | _Ended | _Arrived | _Ran | _Stop


class Notifier:
    """``deliver`` sends one notification; ``command`` runs for the event of each job that this worker ended, or is None."""

    def __init__(
        self,
        table: NotificationTable,
        deliver: Callable[[Notification], Delivered],
        command: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        self._table = table
        self._deliver = deliver
        self._command = command
        self._inbox: SimpleQueue[_Message] = SimpleQueue()
        self._flying: dict[str, Notification] = {}
        self._unsettled: list[_Arrived] = []
        self._commands: deque[int] = deque()
        self._running = 0
        self._stop_at: float | None = None
        self._wanted = False
        self._thread: threading.Thread | None = None

    # -- for the supervisor's thread -----------------------------------------------------------------------------

    def due(self) -> None:
        """Notifications are due, of whatever worker's jobs."""
        self._send(_Due())

    def ended(self, job_id: int, *, notify: bool) -> None:
        """A job of this worker has ended; ``notify``: it has a URL."""
        if notify:
            self._send(_Due())
        if self._command is not None:
            self._send(_Ended(job_id))

    def close(self, seconds: float) -> None:
        """Waits for what is due now and for what is under way, at most ``seconds``; the rest is left to other workers."""
        if self._thread is not None:
            self._inbox.put(_Stop(time.monotonic() + seconds))
            self._thread.join(seconds + 1.0)

    def _send(self, message: _Message) -> None:
        if self._thread is None or not self._thread.is_alive():  # most workers never send one
            self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
            self._thread.start()
        self._inbox.put(message)

    # -- the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        rest: float | None = None
        while not self._finished():
            self._receive(rest)
            try:
                rest = self._turn()
            except JobctlError as error:
                log.warning("notifications wait: %s", error)
                rest = AGAIN
        self._table.close()

    def _finished(self) -> bool:
        if self._stop_at is None:
            return False
        idle = not (self._wanted or self._flying or self._unsettled or self._commands or self._running)
        return idle or time.monotonic() >= self._stop_at

    def _receive(self, seconds: float | None) -> None:
        """Takes all messages; waits for the first, at most ``seconds``."""
        if self._stop_at is not None:
            left = max(0.0, self._stop_at - time.monotonic())
            seconds = left if seconds is None else min(seconds, left)
        try:
            self._take(self._inbox.get(timeout=seconds))
            while True:
                self._take(self._inbox.get_nowait())
        except Empty:
            return

    def _take(self, message: _Message) -> None:
        match message:
            case _Due():
                self._wanted = True
            case _Ended(job_id):
                self._queue_command(job_id)
            case _Arrived(notification):
                del self._flying[notification.host]
                self._unsettled.append(message)
                self._wanted = True
            case _Ran():
                self._running -= 1
            case _Stop(until):
                self._stop_at = until
            case _:
                assert_never(message)

    def _turn(self) -> float | None:
        """Everything that can be done now; returns the seconds until more is due, None: when a message comes."""
        while self._unsettled:
            self._settle(self._unsettled[0])
            del self._unsettled[0]
        self._start_commands()
        while len(self._flying) < SLOTS:
            claimed = self._table.claim(set(self._flying), SLOTS - len(self._flying))
            for notification in claimed:
                self._flying[notification.host] = notification
                self._start(partial(self._fly, notification))
            if not claimed:
                break
        self._wanted = False
        return None if len(self._flying) >= SLOTS else self._table.next_due(set(self._flying))

    def _settle(self, arrived: _Arrived) -> None:
        self._table.settle(arrived.notification, arrived.delivered)
        if arrived.delivered.outcome is not Delivery.DELIVERED:
            job, host = arrived.notification.job_id, arrived.notification.host
            log.warning(
                "notification of job %d to %s failed: %s", job, host, arrived.delivered.reason, extra=of_id(job)
            )

    def _start(self, act: Callable[[], None]) -> None:
        threading.Thread(target=act, name="notification", daemon=True).start()

    def _fly(self, notification: Notification) -> None:
        self._inbox.put(_Arrived(notification, self._deliver(notification)))

    # -- commands ------------------------------------------------------------------------------------------------

    def _queue_command(self, job_id: int) -> None:
        if len(self._commands) < MOST_COMMANDS:
            self._commands.append(job_id)
        else:
            log.warning(LEFT_OUT, job_id, MOST_COMMANDS, extra=of_id(job_id))

    def _start_commands(self) -> None:
        while self._command is not None and self._commands and self._running < SLOTS:
            event = self._table.end_event(self._commands[0])
            self._commands.popleft()
            if event is not None:
                self._running += 1
                self._start(partial(self._run_command, self._command, event))

    def _run_command(self, command: Callable[[Mapping[str, Any]], None], event: Mapping[str, Any]) -> None:
        command(event)
        self._inbox.put(_Ran())
