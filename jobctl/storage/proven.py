"""A storage that is known to be the right one: the marker in it names the id that the database has.

A folder that is empty because a mount was forgotten has no marker, another bucket another one. Without this, every missing
key would look like damage, and what is written would be lost with the mount.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from jobctl.core.errors import CheckpointCorrupt, CheckpointMissing, StorageRefused, StorageUnavailable
from jobctl.core.ports import Storage

MARKER = "jobctl/identity"
PROBES = "jobctl/probe"
TITLE = "jobctl storage "
MAX_MARKER = 200
"""Bytes."""
FRESH = 1.0
"""Seconds for which a marker that was read counts before a write to a bucket. A folder can be unmounted at any moment."""


def read_marker(storage: Storage) -> str | None:
    """The id in the marker; None: there is no marker. Raises ``StorageUnavailable``, ``StorageRefused`` for what is none."""
    try:
        text = storage.get(MARKER, max_bytes=MAX_MARKER).decode(errors="replace").strip()
    except CheckpointMissing:
        return None
    except CheckpointCorrupt as error:
        raise refused(storage, f"its marker {MARKER} can't be read") from error
    if not text.startswith(TITLE):
        raise refused(storage, f"its marker {MARKER} is not one of jobctl")
    return text.removeprefix(TITLE)


def write_marker(storage: Storage, storage_id: str) -> str:
    """Writes a marker; returns the id that is read back, which is another's where two wrote at once."""
    storage.put(MARKER, f"{TITLE}{storage_id}\n".encode())
    return read_marker(storage) or storage_id


def require_marker(storage: Storage, storage_id: str) -> None:
    """Raises ``StorageRefused`` where the storage is another one."""
    found = read_marker(storage)
    if found is None:
        raise refused(storage, "it has no marker; is a mount missing?")
    if found != storage_id:
        raise refused(storage, "its marker names another one")


def prove(storage: Storage, storage_id: str) -> None:
    """Proves that it is the right storage, and that bytes can be written there and read back.

    Raises ``StorageUnavailable``, of it ``StorageRefused`` where it is another storage.
    """
    require_marker(storage, storage_id)
    key, data = f"{PROBES}-{secrets.token_hex(8)}", secrets.token_bytes(16)
    storage.put(key, data)
    try:
        if storage.get(key, max_bytes=len(data)) != data:
            raise StorageUnavailable(
                f"the storage {name(storage)} can't be used: it does not give back what was written"
            )
    except (CheckpointMissing, CheckpointCorrupt) as error:
        raise StorageUnavailable(f"the storage {name(storage)} can't be used: what was written is not there") from error
    finally:
        with suppress(StorageUnavailable):  # no job needs the right to remove
            storage.delete(key)


def name(storage: Storage) -> str:
    """Where the storage is, for people."""
    return str(getattr(storage, "root", type(storage).__name__))


def refused(storage: Storage, why: str) -> StorageRefused:
    """The error of a storage that is not the one of the database."""
    return StorageRefused(
        f"the storage {name(storage)} is not the one of this database: {why}",
        hint="Mount it, or set JOBCTL_STORAGE to it. If it was replaced on purpose: jobctl db storage --adopt",
    )


class ProvenStorage:
    """A storage in which nothing is written, and nothing is called missing, before its marker was read.

    ``identity`` returns the id that the database has; None: there is none to compare with. It is asked again after a marker
    did not match.
    """

    def __init__(self, storage: Storage, identity: Callable[[], str | None]) -> None:
        self._storage = storage
        self._identity = identity
        self._storage_id: str | None = None
        self._read_at = float("-inf")
        self.root = name(storage)
        self._fresh = FRESH if "://" in self.root else 0.0

    def prove(self) -> None:
        """Raises ``StorageUnavailable`` where it is another storage, or can't be read or written."""
        if (storage_id := self._expected()) is not None:
            self._checked(lambda: prove(self._storage, storage_id))

    def put(self, key: str, data: bytes) -> None:
        """As ``Storage.put``."""
        self._require_fresh()
        self._storage.put(key, data)

    def put_file(self, key: str, source: BinaryIO) -> None:
        """As ``Storage.put_file``."""
        self._require_fresh()
        self._storage.put_file(key, source)

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """As ``Storage.get``."""
        try:
            return self._storage.get(key, max_bytes=max_bytes)
        except CheckpointMissing:
            self._require()
            raise

    def exists(self, key: str) -> bool:
        """As ``Storage.exists``."""
        found = self._storage.exists(key)
        if found:
            self._require_fresh()  # the same bytes may be in another storage
        else:
            self._require()
        return found

    def delete(self, key: str) -> None:
        """As ``Storage.delete``."""
        self._require_fresh()
        self._storage.delete(key)

    def delete_all(self, keys: Iterable[str]) -> None:
        """As ``Storage.delete_all``."""
        self._require_fresh()
        self._storage.delete_all(keys)

    def keys(self, prefix: str) -> Iterator[str]:
        """As ``Storage.keys``."""
        self._require()
        yield from self._storage.keys(prefix)

    def local_path(self, key: str, workspace: Path) -> Path:
        """As ``Storage.local_path``."""
        try:
            return self._storage.local_path(key, workspace)
        except CheckpointMissing:
            self._require()
            raise

    def _require_fresh(self) -> None:
        if time.monotonic() - self._read_at >= self._fresh:
            self._require()

    def _require(self) -> None:
        if (storage_id := self._expected()) is not None:
            self._checked(lambda: require_marker(self._storage, storage_id))

    def _expected(self) -> str | None:
        if self._storage_id is None:
            self._storage_id = self._identity()
        return self._storage_id

    def _checked(self, check: Callable[[], None]) -> None:
        try:
            check()
        except StorageRefused:
            self._storage_id = None  # another may have been adopted meanwhile
            raise
        self._read_at = time.monotonic()
