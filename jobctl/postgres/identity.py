"""The verbs about the storage of the jobs: which it is, and which of its keys are referred to."""

from __future__ import annotations

from jobctl.core.rows import StorageIdentity
from jobctl.postgres.session import Session

IDENTIFYING = 0x6A6F6264
"""Advisory lock: one connection at a time looks for a marker and writes one."""


class IdentityVerbs(Session):
    """Part of ``Queue``."""

    def storage_identity(self) -> StorageIdentity:
        """The storage that has the bytes of the jobs."""
        return StorageIdentity(**self._run("storage_identity")[0])

    def lock_storage_identity(self) -> None:
        """In a transaction: lets nobody else identify a storage until it ends."""
        self.connection.execute("SELECT pg_advisory_xact_lock(%s)", [IDENTIFYING])

    def identify_storage(self, storage_id: str, location: str) -> None:
        """Names the storage, where none has a name yet."""
        self._run("identify_storage", storage_id=storage_id, location=location)

    def adopt_storage(self, storage_id: str, location: str) -> None:
        """Names another storage as that of the jobs."""
        self._run("adopt_storage", storage_id=storage_id, location=location)

    def stored_keys(self) -> list[str]:
        """Some of the newest keys of the storage that rows refer to."""
        return [row["key"] for row in self._run("stored_keys")]
