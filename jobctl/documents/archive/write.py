"""Writing an archive: streamed, whole or not at all, and nothing left behind by a writer that was killed."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import os
import shutil
import stat
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from jobctl.core.errors import Invalid
from jobctl.documents.archive.manifest import MANIFEST, Manifest
from jobctl.system.folders import FOLDER, NEW, READ, held, make_folder, names_in, open_below, open_resolved

_EPOCH = (1980, 1, 1, 0, 0, 0)
_BLOCK = 1 << 20
_PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EINTR)
"""Errors of the disk, which may be temporary: not of the path."""


@dataclass(frozen=True, slots=True)
class Written:
    """Size and SHA-256 of an archive; of a folder the hash of its manifest, which names all the rest."""

    bytes: int
    sha256: str


def write(
    target: Path, form: str, manifest: Manifest, streams: Iterable[tuple[str, BinaryIO]], *, owner: str = "export"
) -> Written:
    """Writes the archive, a block at a time, and puts it in its place when it is whole.

    ``streams`` come in the order of the manifest's files. A ZIP replaces a file; a folder must be new or empty.
    The target's folder is absolute, without links, and opened once: what takes its place meanwhile is not written to.
    ``owner`` names the writer: what an earlier, killed one left beside the target is removed. Raises ``Invalid``.
    """
    with _refused(target):
        descriptor = open_resolved(target.parent)
    with held(descriptor) as folder:
        place = _Place(target, folder, f"{_prefix(target)}{owner}")
        _remove_leftovers(place)
        return _zip(place, manifest, streams) if form == "zip" else _folder(place, manifest, streams)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the archive goes: the descriptor of its folder, and its name there while it is written (``beside``)."""

    target: Path
    folder: int
    beside: str

    @property
    def name(self) -> str:
        return self.target.name

    def mode(self) -> int | None:
        """Kind and mode of what has the name now; None: nothing."""
        with suppress(FileNotFoundError):
            return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False).st_mode
        return None

    def open(self, flags: int) -> int:
        """The descriptor of what is being written."""
        return os.open(self.beside, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=self.folder)

    def finish(self) -> None:
        """Puts what was written in its place, durably."""
        os.replace(self.beside, self.name, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        os.fsync(self.folder)


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


def _remove_leftovers(place: _Place) -> None:
    """Removes what killed writers left beside the target; one that is still being written is locked."""
    for name in names_in(place.folder):
        if not name.startswith(_prefix(place.target)):
            continue
        with suppress(OSError), held(os.open(name, READ, dir_fd=place.folder)) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                shutil.rmtree(name, dir_fd=place.folder)
            else:
                os.unlink(name, dir_fd=place.folder)


def _zip(place: _Place, manifest: Manifest, streams: Iterable[tuple[str, BinaryIO]]) -> Written:
    """A file without a name where the file system has such, so that a killed writer leaves nothing."""
    if (mode := place.mode()) is not None and not stat.S_ISREG(mode):  # a rename would put a file in a device's place
        raise Invalid(f"{place.target} is not a regular file", hint="Choose another path.")
    with _refused(place.target):
        descriptor, named = _unnamed(place)
    try:
        with os.fdopen(descriptor, "w+b") as sink:
            fcntl.flock(sink, fcntl.LOCK_EX)
            _fill(sink, manifest, streams)
            sink.flush()
            os.fsync(sink.fileno())
            os.fchmod(sink.fileno(), 0o644)
            sink.seek(0)
            sha256 = hashlib.file_digest(sink, "sha256").hexdigest()
            written = Written(sink.tell(), sha256)
            if not named:
                _unlink(place)
                _name(sink.fileno(), place)
            place.finish()
    finally:
        _unlink(place)
    return written


def _unlink(place: _Place) -> None:
    with suppress(FileNotFoundError):
        os.unlink(place.beside, dir_fd=place.folder)


def _unnamed(place: _Place) -> tuple[int, bool]:
    """(descriptor, whether the file has its name)."""
    if hasattr(os, "O_TMPFILE") and Path("/proc/self/fd").exists():
        try:
            return os.open(".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600, dir_fd=place.folder), False
        except OSError:
            pass  # a file system without them
    return place.open(os.O_RDWR | os.O_CREAT | os.O_TRUNC), True


def _name(descriptor: int, place: _Place) -> None:
    """Names a file without a name. A folder's descriptor makes Python use ``linkat``, which follows the link in /proc."""
    folder = place.folder
    os.link(f"/proc/self/fd/{descriptor}", place.beside, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=True)


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


def _folder(place: _Place, manifest: Manifest, streams: Iterable[tuple[str, BinaryIO]]) -> Written:
    mode = place.mode()
    if mode is not None and not (stat.S_ISDIR(mode) and _is_empty(place)):
        raise Invalid(f"{place.target} exists and is not an empty folder", hint="Choose another path.")
    with _refused(place.target):
        os.mkdir(place.beside, 0o700, dir_fd=place.folder)
    try:
        with held(place.open(os.O_RDONLY | os.O_DIRECTORY)) as top:
            fcntl.flock(top, fcntl.LOCK_EX)
            for name, stream in streams:
                _copy(top, name, stream)
            _copy(top, MANIFEST, io.BytesIO(manifest.bytes()))
            os.fchmod(top, 0o755)
            with _refused(place.target):
                if mode is not None:
                    os.rmdir(place.name, dir_fd=place.folder)
                place.finish()
    except BaseException:
        shutil.rmtree(place.beside, ignore_errors=True, dir_fd=place.folder)
        raise
    data = manifest.bytes()
    return Written(sum(file.size for file in manifest.files) + len(data), hashlib.sha256(data).hexdigest())


def _is_empty(place: _Place) -> bool:
    with _refused(place.target), held(os.open(place.name, FOLDER, dir_fd=place.folder)) as folder:
        return not names_in(folder)


def _copy(top: int, name: str, stream: BinaryIO) -> None:
    """A file of an archive that is a folder, durably."""
    *folders, last = PurePosixPath(name).parts
    with (
        held(open_below(top, folders, make=make_folder)) as folder,
        os.fdopen(os.open(last, NEW, 0o644, dir_fd=folder), "wb") as sink,
    ):
        shutil.copyfileobj(stream, sink, _BLOCK)
        sink.flush()
        os.fsync(sink.fileno())
