"""A queue that the threads of an application share."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import Any

import psycopg

from jobctl.postgres.queue import Queue
from jobctl.postgres.session import Connect


class ThreadedQueue(Queue):
    """Each thread has a connection of its own, opened at its first use and closed after the thread has ended.

    A process that was forked opens its own too, and never touches those of its parent.
    """

    def __init__(self, connect: Connect, *, actor: str = "") -> None:
        self._opened: dict[tuple[int, threading.Thread], psycopg.Connection[Any]] = {}
        super().__init__(connect, actor=actor)

    @property
    def _connection(self) -> psycopg.Connection[Any] | None:
        return self._opened.get((os.getpid(), threading.current_thread()))

    @_connection.setter
    def _connection(self, connection: psycopg.Connection[Any] | None) -> None:
        key = (os.getpid(), threading.current_thread())
        if connection is None:
            self._opened.pop(key, None)
            return
        self._opened[key] = connection
        self._close(only_ended=True)

    def close_all(self) -> None:
        """Closes the connections of all threads. For the end of the application: no thread may be using one."""
        self._close(only_ended=False)

    def _close(self, *, only_ended: bool) -> None:
        for process, thread in list(self._opened):
            if process == os.getpid() and not (only_ended and thread.is_alive()):
                with suppress(KeyError):  # another thread was quicker
                    self._opened.pop((process, thread)).close()
