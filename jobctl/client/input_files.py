"""Opens the input files of a job and puts them into the storage, so that any worker can run it."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path

from jobctl.core.errors import InvalidArguments
from jobctl.core.keys import source_key
from jobctl.core.ports import Storage


def store(storage: Storage, stream: BufferedReader, path: Path, field: str) -> dict[str, object]:
    """Puts an open file into the storage under the hash of its bytes."""
    before = _version(stream)
    sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    size = stream.tell()
    key = source_key(sha256)
    if not storage.exists(key):
        stream.seek(0)
        storage.put_file(key, stream)
        if _version(stream) != before:  # the bytes under the key may not be those that were hashed
            storage.delete(key)
            raise _unusable(field, f"it changes while it is read: {path}")
    return {"key": key, "sha256": sha256, "size": size, "name": path.name}


def open_regular(path: Path, field: str) -> BufferedReader:
    """Opens a file that is not empty. Raises ``InvalidArguments`` for all else, and never waits: a FIFO has no end."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise _unusable(field, f"no such file: {path}") from None
    except ValueError:
        raise _unusable(field, f"is not a path: {str(path)!r}") from None
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ENODEV):  # a socket, a device without a driver
            raise _unusable(field, f"is not a regular file: {path}") from None
        raise _unusable(field, f"can't be read: {path} ({error.strerror})") from None
    stream = os.fdopen(descriptor, "rb") if not stat.S_ISDIR(os.fstat(descriptor).st_mode) else None
    if stream is None:
        os.close(descriptor)
        raise _unusable(field, f"is a folder, not a file: {path}")
    facts = os.fstat(descriptor)
    if stat.S_ISREG(facts.st_mode) and facts.st_size > 0:
        return stream
    stream.close()
    problem = "the file is empty" if stat.S_ISREG(facts.st_mode) else "is not a regular file"
    raise _unusable(field, f"{problem}: {path}")


def _version(stream: BufferedReader) -> tuple[int, int]:
    """What changes when an open file is written to."""
    facts = os.fstat(stream.fileno())
    return facts.st_mtime_ns, facts.st_size


def _unusable(field: str, problem: str) -> InvalidArguments:
    return InvalidArguments(f"{field}: {problem}", [f"{field}: {problem}"])
