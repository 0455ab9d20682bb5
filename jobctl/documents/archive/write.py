"""Writing an archive: streamed, whole or not at all, and nothing left behind by a writer that was killed."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import stat
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from jobctl.core.errors import Invalid
from jobctl.documents.archive.manifest import MANIFEST, Manifest

_EPOCH = (1980, 1, 1, 0, 0, 0)
_BLOCK = 1 << 20
_PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EINTR)
"""Errors of the disk, which may be temporary: not of the path."""


def write(
    target: Path, form: str, manifest: Manifest, streams: Iterable[tuple[str, BinaryIO]], *, owner: str = "export"
) -> None:
    """Writes the archive, a block at a time, and puts it in its place when it is whole.

    ``streams`` come in the order of the manifest's files. A ZIP replaces a file; a folder must be new or empty.
    ``owner`` names the writer: what an earlier, killed one left beside the target is removed. Raises ``Invalid``.
    """
    beside = target.with_name(f"{_prefix(target)}{owner}")
    _remove_leftovers(target)
    if form == "zip":
        _zip(target, beside, manifest, streams)
    else:
        _folder(target, beside, manifest, streams)


@contextmanager
def _refused(target: Path) -> Iterator[None]:
    """A path that can't be written is the input's fault; a full or failing disk may recover."""
    try:
        yield
    except OSError as error:
        if error.errno in _PASSING:
            raise
        raise Invalid(f"{target} can't be written: {error.strerror}", hint="Choose another path.") from error


def _prefix(target: Path) -> str:
    """How the names of half-written archives begin: hidden, and bound to their target, whatever its length."""
    return f".jobctl-{hashlib.sha256(target.name.encode()).hexdigest()[:16]}-"


def _remove_leftovers(target: Path) -> None:
    """Removes what killed writers left beside the target; one that is still being written is locked."""
    for path in target.parent.glob(f"{_prefix(target)}*"):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError:
            continue
        finally:
            os.close(descriptor)


def _zip(target: Path, beside: Path, manifest: Manifest, streams: Iterable[tuple[str, BinaryIO]]) -> None:
    """A file without a name where the file system has such, so that a killed writer leaves nothing."""
    if os.path.lexists(target) and not target.is_file():  # a rename would put a file in the place of a device
        raise Invalid(f"{target} is not a regular file", hint="Choose another path.")
    with _refused(target):
        descriptor, named = _unnamed(beside)
    try:
        with os.fdopen(descriptor, "w+b") as sink:
            fcntl.flock(sink, fcntl.LOCK_EX)
            _fill(sink, manifest, streams)
            sink.flush()
            os.fsync(sink.fileno())
            os.fchmod(sink.fileno(), 0o644)
            if not named:
                beside.unlink(missing_ok=True)
                _name(sink.fileno(), beside)
            beside.replace(target)
        _sync(target.parent)
    finally:
        beside.unlink(missing_ok=True)


def _unnamed(beside: Path) -> tuple[int, bool]:
    """(descriptor, whether the file has its name)."""
    if hasattr(os, "O_TMPFILE") and Path("/proc/self/fd").exists():
        try:
            return os.open(beside.parent, os.O_TMPFILE | os.O_RDWR, 0o600), False
        except OSError:
            pass  # a file system without them
    return os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), True


def _name(descriptor: int, path: Path) -> None:
    """Names a file without a name. A folder's descriptor makes Python use ``linkat``, which follows the link in /proc."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.link(f"/proc/self/fd/{descriptor}", path.name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)


def _fill(sink: BinaryIO, manifest: Manifest, streams: Iterable[tuple[str, BinaryIO]]) -> None:
    with zipfile.ZipFile(sink, "w") as archive:
        for name, stream in streams:
            with archive.open(_info(name), "w", force_zip64=True) as into:
                shutil.copyfileobj(stream, into, _BLOCK)
        archive.writestr(_info(MANIFEST), manifest.bytes())


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_STORED if "/source." in name else zipfile.ZIP_DEFLATED
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    info.create_system = 3
    return info


def _folder(target: Path, beside: Path, manifest: Manifest, streams: Iterable[tuple[str, BinaryIO]]) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Invalid(f"{target} exists and is not an empty folder", hint="Choose another path.")
    with _refused(target):
        beside.mkdir(mode=0o700)
    lock = os.open(beside, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name, stream in streams:
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as sink:
                shutil.copyfileobj(stream, sink, _BLOCK)
            _sync(path)
        (beside / MANIFEST).write_bytes(manifest.bytes())
        _sync(beside / MANIFEST)
        beside.chmod(0o755)
        with _refused(target):
            if target.exists():
                target.rmdir()
            beside.replace(target)
        _sync(target.parent)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    finally:
        os.close(lock)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
