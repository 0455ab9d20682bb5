"""Bytes in a folder. Every write is durable when it returns: temporary name, fsync, rename, fsync of the folder."""

from __future__ import annotations

import errno
import io
import os
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from jobctl.core.errors import CheckpointCorrupt, CheckpointMissing, StorageUnavailable
from jobctl.core.keys import storage_key
from jobctl.core.trust import require_private
from jobctl.system.folders import NEW, READ, held, open_below

_TEMPORARY = ".writing-"
_LINKS = (errno.ELOOP, errno.ENOTDIR, errno.ENXIO)
"""What the kernel says to a link, a file or a socket where something else must be."""
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
        *folders, name = self._parts(key)
        temporary = f"{_TEMPORARY}{secrets.token_hex(8)}"
        try:
            with self._folder(folders, create=True) as folder:
                try:
                    descriptor = os.open(temporary, NEW, 0o600, dir_fd=folder)
                    with os.fdopen(descriptor, "wb") as sink:
                        shutil.copyfileobj(source, sink, 1 << 20)
                        sink.flush()
                        os.fsync(sink.fileno())
                    os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
                except BaseException:
                    with suppress(OSError):
                        os.unlink(temporary, dir_fd=folder)
                    raise
                os.fsync(folder)
        except OSError as error:
            raise self._unavailable(error) from error

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """The bytes. Raises ``CheckpointMissing``, or ``CheckpointCorrupt`` past ``max_bytes`` and for what is not a file."""
        *folders, name = self._parts(key)
        try:
            with (
                self._folder(folders) as folder,
                os.fdopen(os.open(name, READ, dir_fd=folder), "rb") as stream,
            ):
                data = stream.read(max_bytes + 1) if stat.S_ISREG(os.fstat(stream.fileno()).st_mode) else None
        except FileNotFoundError:
            raise CheckpointMissing(f"no bytes under {key}") from None
        except OSError as error:
            if error.errno in _LINKS:
                raise CheckpointCorrupt(f"{key} is not a file of the storage") from None
            raise self._unavailable(error) from error
        if data is None:
            raise CheckpointCorrupt(f"{key} is not a file of the storage")
        if len(data) > max_bytes:
            raise CheckpointCorrupt(f"{key} is larger than the {max_bytes} bytes it should have")
        return data

    def exists(self, key: str) -> bool:
        """Whether the key is there."""
        *folders, name = self._parts(key)
        with suppress(FileNotFoundError, NotADirectoryError), self._folder(folders) as folder:
            return stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        return False

    def delete(self, key: str) -> None:
        """Removes a key; a missing one is not an error."""
        *folders, name = self._parts(key)
        try:
            with self._folder(folders) as folder:
                os.unlink(name, dir_fd=folder)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise self._unavailable(error) from error
        with suppress(OSError):  # the folder of a job goes with its last checkpoint
            for depth in (len(folders), len(folders) - 1):
                with self._folder(folders[: depth - 1]) as parent:
                    os.rmdir(folders[depth - 1], dir_fd=parent)

    def delete_all(self, keys: Iterable[str]) -> None:
        """Removes keys; missing ones are not errors."""
        for key in keys:
            self.delete(key)

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
        if not self.exists(key):
            raise CheckpointMissing(f"no bytes under {key}")
        return self.root / storage_key(key)

    def _parts(self, key: str) -> tuple[str, ...]:
        self._require_private()
        return PurePosixPath(storage_key(key)).parts

    def _require_private(self) -> None:
        """Raises ``ConfigError`` where another account owns the folder or can write to it; checked until it exists."""
        if not self._trusted:
            require_private(self.root, "the storage", hint=STORAGE_HINT)
            self._trusted = self.root.exists()

    @contextmanager
    def _folder(self, names: Sequence[str], *, create: bool = False) -> Iterator[int]:
        """The descriptor of a folder below the root, each opened by that of the one above it: never through a link.

        A child process may write to the storage, and the commands of its owner must not follow what it leaves there.
        ``create``: makes what is missing durably, each new folder synced into its parent.
        """
        if create and not self.root.is_dir():
            _make_root(self.root)
            self._require_private()  # another account may have made it meanwhile
        try:
            opened = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except NotADirectoryError as error:
            raise self._unavailable(error) from error
        with held(opened) as root, held(open_below(root, names, make=_make if create else None)) as folder:
            yield folder

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
            full=error.errno in (errno.ENOSPC, errno.EDQUOT),
        )


def _make_root(root: Path) -> None:
    """Makes the folder and those above it, each synced into its parent."""
    if not root.parent.is_dir():
        _make_root(root.parent)
    with held(os.open(root.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) as parent:
        _make(root.name, parent)


def _make(name: str, parent: int) -> None:
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=parent)
        os.fsync(parent)
