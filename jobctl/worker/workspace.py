"""Folders for the temporary files of children: whatever process is killed, nothing stays behind.

A child may die at any moment and leaves its files where they are; its supervisor removes them. A supervisor that is killed
leaves a folder whose lock is free: the next one removes that, and ends what may still run there.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from jobctl.worker.processes import end_marked

PREFIX = "jobctl-worker-"


def mark(folder: Path) -> str:
    """The variable by which processes are known that a child has started: it is theirs unless they clear it."""
    return f"TMPDIR={folder}"


class Workspaces:
    """A folder of our own below ``base`` (the system's folder for temporary files), one below it for each child."""

    def __init__(self, base: Path | None = None) -> None:
        base = base or Path(tempfile.gettempdir())
        self._sweep(base)
        while True:
            self.root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
            self._lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            if _taken(self._lock) and (self.root / "lock").exists():
                return
            os.close(self._lock)  # swept before we held it

    def make(self) -> Path:
        """An empty folder."""
        return Path(tempfile.mkdtemp(dir=self.root))

    def remove(self, folder: Path) -> None:
        """With all that is in it."""
        shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Leaves nothing."""
        self.remove(self.root)
        os.close(self._lock)

    @staticmethod
    def _sweep(base: Path) -> None:
        for folder in base.glob(f"{PREFIX}*"):
            with suppress(OSError):  # another account's, or removed meanwhile
                lock = os.open(folder / "lock", os.O_RDWR)
                if _taken(lock):
                    for workspace in folder.iterdir():
                        end_marked(mark(workspace))
                    shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _taken(descriptor: int) -> bool:
    """Whether the lock is ours now: it goes with the process that holds it, however that ends."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
