"""Files of a job in the storage: put there under their hash, and brought back with the hash compared."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from jobctl.core.errors import CheckpointCorrupt, Permanent
from jobctl.core.keys import output_key
from jobctl.core.ports import Storage

READ_SIZE = 1 << 20
Stamp = tuple[int, int, int]
"""Inode, time of change and size of a file."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the storage. ``name`` is its path in the folder that it was in; ``mode``: its permission bits."""

    name: str
    size: int
    sha256: str
    key: str
    mode: int = 0o644


class JobFiles(Protocol):
    """What is needed of a job: ``core.ports.Context`` has it."""

    job_id: int
    storage: Storage


def relative(name: str) -> str:
    """The name, when it stays inside the folder that it is relative to. Raises ``ValueError``."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\x00" in name:
        raise ValueError(f"{name!r} is not a path inside the folder of the job")
    return str(path)


def put(storage: Storage, source: BinaryIO, key: str) -> None:
    """Stores an open file, unless its key is there: a key contains the hash."""
    if not storage.exists(key):
        source.seek(0)
        storage.put_file(key, source)


def fetch(storage: Storage, file: StoredFile, target: Path, *, scratch: Path) -> None:
    """Copies a stored file to ``target``. Raises ``CheckpointMissing``, or ``CheckpointCorrupt`` for other bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with storage.local_path(file.key, scratch).open("rb") as source, target.open("xb") as sink:
        sha256 = hashlib.sha256()
        while data := source.read(READ_SIZE):
            sha256.update(data)
            sink.write(data)
    if sha256.hexdigest() != file.sha256:
        target.unlink()
        raise CheckpointCorrupt(f"{file.key}: the bytes of {file.name} are not those that were written")
    target.chmod(stat.S_IMODE(file.mode) & 0o777)


def copy_in(source: Path, target: Path) -> None:
    """A copy of an input that the program may change: the stored file itself stays as it is."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)
        target.chmod(0o755)  # a script that was taken in is there to be run


def collect(
    job: JobFiles, folder: Path, patterns: Iterable[str], known: dict[str, Stamp] | None = None
) -> list[StoredFile]:
    """Stores the files that match the patterns, sorted by name. Raises ``Permanent`` for a pattern without a file.

    A file that has in ``known`` the stamp that it has now is left out; those that are stored are added to ``known``.
    """
    known = {} if known is None else known
    found: dict[str, Path] = {}
    for pattern in patterns:
        matches = {name_in(path, folder): path for path in _matches(folder, pattern)}
        if not matches:
            raise Permanent(f"the program left no file {pattern}")
        found |= matches
    fresh = {name: path for name, path in sorted(found.items()) if known.get(name) != stamp(path.stat())}
    known |= {name: stamp(path.stat()) for name, path in fresh.items()}
    return [_store(job, name, path) for name, path in fresh.items()]


def stamps(folder: Path) -> dict[str, Stamp]:
    """The stamps of all files below a folder, by their names."""
    return {path.relative_to(folder).as_posix(): stamp(path.stat()) for path in folder.rglob("*") if _is_output(path)}


def stamp(facts: os.stat_result) -> Stamp:
    """What changes when a file does."""
    return facts.st_ino, facts.st_mtime_ns, facts.st_size


def newest(files: Sequence[StoredFile]) -> list[StoredFile]:
    """The last file of each name, sorted by name."""
    return sorted({file.name: file for file in files}.values(), key=lambda file: file.name)


def _matches(folder: Path, pattern: str) -> Iterator[Path]:
    for path in folder.glob(relative(pattern)):
        if path.is_dir() and not path.is_symlink():
            yield from (inside for inside in path.rglob("*") if _is_output(inside))
        elif _is_output(path):
            yield path


def _is_output(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def name_in(path: Path, folder: Path) -> str:
    """The name of a file relative to a folder. Raises ``Permanent`` for one that is not valid UTF-8."""
    name = path.relative_to(folder).as_posix()
    try:
        name.encode()
    except UnicodeEncodeError:
        raise Permanent(f"the name of the output file {name!a} is not valid UTF-8") from None
    return name


def _store(job: JobFiles, name: str, path: Path) -> StoredFile:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as source:
        sha256 = hashlib.file_digest(source, "sha256").hexdigest()
        facts = os.fstat(source.fileno())
        key = output_key(job.job_id, sha256)
        put(job.storage, source, key)
    return StoredFile(name, facts.st_size, sha256, key, stat.S_IMODE(facts.st_mode))
