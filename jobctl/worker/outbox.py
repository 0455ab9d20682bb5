"""What a child has to send: messages in order, log lines in batches, a moment late so that one write carries many."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from fcntl import LOCK_EX, LOCK_UN, lockf

from jobctl.core.retry import storable
from jobctl.system import clock
from jobctl.worker.channel import CHILD_CAP, LEVEL_CAP, LINE_CAP, STAGE_CAP, FromChild, Line, Logged

FLUSH_EVERY = 0.01
"""Seconds that a message may wait for others."""
BATCH_CAP = CHILD_CAP // 2
"""Bytes of lines that are sent at once: with one more line it is still a message that the supervisor accepts."""
LINES_A_JOB = 5_000
"""Lines kept of one job: more are not worth sending at once."""


class Outbox:
    """Collects messages and sends them from a thread of its own, or at once on request.

    Any thread may use it, and any process that a handler forks: a forked process sends its lines at once, under a lock
    between processes, and nothing else.
    """

    def __init__(self, send: Callable[[Sequence[FromChild]], None]) -> None:
        self._send = send
        self._messages: list[FromChild] = []
        self._lines: list[Line] = []
        self._job = 0  # whose lines they are
        self._bytes = 0
        self._lock = threading.RLock()
        self._pending = threading.Event()
        self._between_processes = _unnamed_file()
        self._sent_at = 0.0
        self._forked = False
        os.register_at_fork(after_in_child=self._after_fork)

    def start(self) -> None:
        """Starts the thread that sends what has waited long enough."""
        threading.Thread(target=self._send_in_time, name="outbox", daemon=True).start()

    def put(self, message: FromChild, *, now: bool = False) -> None:
        """Sends a message after those before it, ``now`` or within ``FLUSH_EVERY``."""
        with self._lock:
            if self._forked:
                return
            self._seal()
            self._messages.append(message)
            if now or time.monotonic() - self._sent_at >= FLUSH_EVERY:
                self._flush()
        if not self._pending.is_set():
            self._pending.set()

    def log(self, job: int, level: str, stage: str | None, text: str) -> None:
        """Lines of a job's log; of a text with more lines than are kept only the newest."""
        level = storable(level, LEVEL_CAP)
        stage = None if stage is None else storable(stage, STAGE_CAP)
        lines = (text,) if "\n" not in text and "\r" not in text else text.splitlines()[-LINES_A_JOB:]
        overhead = 16 + 4 * (len(level) + len(stage or ""))
        with self._lock:
            if job != self._job:
                self._seal()
                self._job = job
            for line in lines:
                kept = storable(line, LINE_CAP)
                self._lines.append(Line(level, stage, kept))
                self._bytes += 4 * len(kept) + overhead  # at most: a character has one to four
                if self._bytes > BATCH_CAP:
                    self.flush()
            if self._forked:
                self.flush()
        if not self._pending.is_set():
            self._pending.set()

    def flush(self) -> None:
        """Sends everything now."""
        with self._lock:
            self._seal()
            self._flush()

    def _seal(self) -> None:
        if self._lines:
            self._messages.append(Logged(self._job, self._lines))
            self._lines, self._bytes = [], 0

    def _flush(self) -> None:
        self._pending.clear()
        if self._messages:
            messages, self._messages = self._messages, []
            lockf(self._between_processes, LOCK_EX)
            try:
                self._send(messages)
            finally:
                lockf(self._between_processes, LOCK_UN)
            self._sent_at = time.monotonic()

    def _send_in_time(self) -> None:
        while True:
            self._pending.wait()
            clock.sleep(FLUSH_EVERY)
            try:
                self.flush()
            except OSError:
                return  # the supervisor is gone; the receiving thread ends this process

    def _after_fork(self) -> None:
        """In a forked process: the thread that had the lock does not exist, and the parent sends what is queued."""
        self._forked = True
        self._lock, self._pending = threading.RLock(), threading.Event()
        self._messages, self._lines, self._bytes = [], [], 0


def _unnamed_file() -> int:
    """A descriptor of a private file, for locks."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("jobctl-outbox")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
