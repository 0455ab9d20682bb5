"""The lock on a home: one start or stop of its server at a time."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobctl.core.errors import ConfigError, StoreUnavailable
from jobctl.core.trust import HOME_HINT, distrust
from jobctl.system import clock

LOCK_TIMEOUT = 60.0
"""Seconds that a command waits for another one that starts the server."""
POLL = 0.02
"""Seconds between two attempts at the lock."""
FILE = "pg.lock"


@contextmanager
def opened_home(home: Path) -> Iterator[int]:
    """The home as a descriptor: what is done in it stays in it, whatever becomes of the path.

    Raises ``ConfigError`` for one that others own or can write.
    """
    descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if reason := distrust(os.fstat(descriptor), (os.geteuid(),)):
            raise ConfigError(f"JOBCTL_HOME {home} can't be trusted: {reason}", hint=HOME_HINT)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def home_lock(home: Path, timeout: float) -> Iterator[int]:
    """Holds the lock; its descriptor. The server does not inherit it: it must not keep the lock.

    Raises ``StoreUnavailable`` when another process has it for ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    descriptor = _open(home)
    try:
        _acquire(descriptor, deadline, timeout)
        while not _is_current(home, descriptor):  # the home was removed, and maybe made again, meanwhile
            os.close(descriptor)
            descriptor = _open(home)
            _acquire(descriptor, deadline, timeout)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _open(home: Path) -> int:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with opened_home(home) as folder:
            return os.open(FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
    except OSError as error:
        raise ConfigError(
            f"{home} can't be used: {error.strerror}", hint="Set JOBCTL_HOME to a folder you can write to."
        ) from error


def _is_current(home: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), (home / FILE).stat())
    except OSError:
        return False


def _acquire(descriptor: int, deadline: float, timeout: float) -> None:
    """Waits for the lock as long as a start may take: its owner may have been suspended half-way."""
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
                raise StoreUnavailable(
                    f"another jobctl (process {holder}) has been starting or stopping the database for {timeout:g} s",
                    hint="End that process if it is suspended, and try again.",
                ) from None
            clock.sleep(POLL)
        else:
            return
