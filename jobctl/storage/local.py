"""Bytes in a folder. Every write is durable when it returns: temporary name, fsync, rename, fsync of the folder."""

from __future__ import annotations

import errno
import io
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from jobctl.core.errors import CheckpointCorrupt, CheckpointMissing, StorageUnavailable
from jobctl.core.keys import storage_key
from jobctl.core.trust import require_private

_TEMPORARY = ".writing-"
STORAGE_HINT = "chmod go-w, if the folder is yours; else set JOBCTL_STORAGE to one of your own."


class LocalStorage:
    """A folder, 0700; keys are relative paths of lower-case letters, digits, ``._-``."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self._trusted = False

    def put(self, key: str, data: bytes) -> None:
        """Stores bytes under a key. The same key is only ever written with the same bytes."""
        self.put_file(key, io.BytesIO(data))

    def put_file(self, key: str, source: BinaryIO) -> None:
        """Stores a stream, a megabyte at a time."""
        target = self._path(key)
        try:
            self._folder(target.parent)
            self._require_private()  # another account may have made it meanwhile
            temporary = target.parent / f"{_TEMPORARY}{secrets.token_hex(8)}"
            try:
                descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)
                    sink.flush()
                    os.fsync(sink.fileno())
                temporary.replace(target)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            _sync(target.parent)
        except OSError as error:
            raise self._unavailable(error) from error

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """The bytes. Raises ``CheckpointMissing``, or ``CheckpointCorrupt`` past ``max_bytes``."""
        try:
            with self._path(key).open("rb") as stream:
                data = stream.read(max_bytes + 1)
        except FileNotFoundError:
            raise CheckpointMissing(f"no bytes under {key}") from None
        except OSError as error:
            raise self._unavailable(error) from error
        if len(data) > max_bytes:
            raise CheckpointCorrupt(f"{key} is larger than the {max_bytes} bytes it should have")
        return data

    def exists(self, key: str) -> bool:
        """Whether the key is there."""
        return self._path(key).is_file()

    def delete(self, key: str) -> None:
        """Removes a key; one that is not there is no error."""
        path = self._path(key)
        try:
            path.unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise self._unavailable(error) from error
        with suppress(OSError):  # the folder of a job goes with its last checkpoint
            path.parent.rmdir()
            path.parent.parent.rmdir()

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys that begin with a folder name, in order; half-written files are not keys."""
        self._require_private()
        for folder, folders, names in os.walk(self.root / prefix):
            folders.sort()
            for name in sorted(names):
                if not name.startswith(_TEMPORARY):
                    yield str((Path(folder) / name).relative_to(self.root))

    def local_path(self, key: str, workspace: Path) -> Path:  # noqa: ARG002 - other storages copy into it
        """The stored file itself."""
        path = self._path(key)
        if not path.is_file():
            raise CheckpointMissing(f"no bytes under {key}")
        return path

    def _path(self, key: str) -> Path:
        self._require_private()
        return self.root / storage_key(key)

    def _require_private(self) -> None:
        """Raises ``ConfigError`` where another account owns the folder or can write to it; checked until it exists."""
        if not self._trusted:
            require_private(self.root, "the storage", hint=STORAGE_HINT)
            self._trusted = self.root.exists()

    def _folder(self, folder: Path) -> None:
        """Makes a folder durably: each new one is synced into its parent."""
        if folder.is_dir():
            return
        self._folder(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        _sync(folder.parent)

    def _unavailable(self, error: OSError) -> StorageUnavailable:
        reasons = {
            errno.ENOSPC: "the disk is full",
            errno.EDQUOT: "the quota is used up",
            errno.EROFS: "it is read-only",
            errno.EACCES: "no permission to write there",
        }
        reason = reasons.get(error.errno or 0, error.strerror or str(error))
        return StorageUnavailable(
            f"the storage {self.root} can't be used: {reason}",
            hint="Fix that, or set JOBCTL_STORAGE to another folder.",
        )


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
