"""Files that commands read and write for people."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from jobctl.cli.output.text import cut
from jobctl.core.errors import UsageError


@contextmanager
def atomically(path: Path) -> Iterator[BinaryIO]:
    """A file that exists only once it is complete, readable by its owner alone. Raises ``UsageError``.

    Anything but a regular file (``/dev/null``, a FIFO) is refused: a rename would put a file in its place.
    """
    if os.path.lexists(path) and not path.is_file():
        raise UsageError(f"{path} is not a regular file", hint="Without a file the output goes to stdout.")
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as sink:
            yield sink
            sink.flush()
            os.fsync(sink.fileno())
        half.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", hint="Nothing was left there.") from error
    finally:
        half.unlink(missing_ok=True)


INHERITED = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")
"""Paths of descriptors that the shell opened: a pipe of ``<(command)`` has a writer."""


def readable(path: str, *, streams: bool = True) -> BinaryIO:
    """A file, open for reading: a regular one, or with ``streams`` a descriptor of the shell. Raises ``UsageError``.

    Never waits for a writer, as the open of a FIFO would.
    """
    inherited = streams and path.startswith(INHERITED)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | (0 if inherited else os.O_NONBLOCK))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {cut(path, 200)}: {getattr(error, 'strerror', None) or error}") from error
    if not inherited and not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(f"{cut(path, 200)} is not a regular file", hint="Send a stream through stdin, named -.")
    return os.fdopen(descriptor, "rb")
