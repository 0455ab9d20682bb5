"""Events that wake the supervisor's loop: messages of child processes, signals, notifications of the database."""

from __future__ import annotations

import logging
import selectors
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from jobctl.core.errors import StoreUnavailable
from jobctl.postgres.listener import Listener

log = logging.getLogger("jobctl.worker")

READY = "jobctl_ready"


class HasFileno(Protocol):
    """An object that ``select`` accepts."""

    def fileno(self) -> int: ...


class Wakeups:
    """Callbacks by descriptor. ``listen`` opens the connection for notifications; None: there are none."""

    def __init__(self, listen: Callable[[], Listener] | None) -> None:
        self._listen = listen
        self._listener: Listener | None = None
        self._polling = False  # logged already
        self._selector = selectors.DefaultSelector()
        self._wakeup, self._signals = socket.socketpair()

    def watch(self, source: HasFileno, callback: Callable[[], None]) -> None:
        """Calls back when the source is readable."""
        self._selector.register(source.fileno(), selectors.EVENT_READ, callback)

    def unwatch(self, source: HasFileno) -> None:
        """No more; a source that is closed or was never watched is not an error."""
        with suppress(KeyError, ValueError, OSError):
            self._selector.unregister(source.fileno())

    def watch_signals(self) -> None:
        """A signal ends a wait."""
        self._wakeup.setblocking(False)
        self._signals.setblocking(False)
        self.watch(self._wakeup, self._drain_signals)
        signal.set_wakeup_fd(self._signals.fileno(), warn_on_full_buffer=False)

    def wait(self, seconds: float) -> None:
        """Sleeps until an event, at most ``seconds``; then runs the callback of each event."""
        for key, _ in self._selector.select(seconds):
            if self._selector.get_map().get(key.fd) == key:  # not removed by what came before it in this round
                key.data()

    # -- notifications -------------------------------------------------------------------------------------------

    def listen(self, notified: Callable[[bool], None]) -> None:
        """Listens, where it does not yet; ``notified(ready)``: work may be there, else a request."""
        if self._listen is None or self._listener is not None:
            return
        try:
            listener = self._listen()
        except StoreUnavailable as error:
            if not self._polling:
                log.warning("%s; polling instead", error)
            self._polling = True
            return
        self._listener, self._polling = listener, False
        self.watch(listener, lambda: self._receive(listener, notified))

    def _receive(self, listener: Listener, notified: Callable[[bool], None]) -> None:
        descriptor = listener.fileno()
        try:
            for channel, _ in listener.hints():
                notified(channel == READY)
        except StoreUnavailable:
            self._selector.unregister(descriptor)
            self._listener, self._polling = None, True
            log.warning("the notifications of the database are lost; polling instead")

    def _drain_signals(self) -> None:
        with suppress(BlockingIOError):
            self._wakeup.recv(4096)

    def close(self) -> None:
        """Closes everything of its own."""
        signal.set_wakeup_fd(-1)
        if self._listener is not None:
            self._listener.close()
        self._selector.close()
        for end in (self._wakeup, self._signals):
            end.close()
