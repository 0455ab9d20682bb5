"""Folders by descriptor: each opened by that of the one above it, so that no link put there meanwhile leads elsewhere."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
"""Without waiting: the open of a FIFO would block until it has a writer."""
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PASS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
"""Through a folder that can be searched but, perhaps, not read."""


@contextmanager
def held(descriptor: int) -> Iterator[int]:
    """Closes a descriptor at the end."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_below(folder: int, names: Sequence[str], *, make: Callable[[str, int], None] | None = None) -> int:
    """The descriptor of a folder below an open one. The caller closes it.

    ``make`` is called with each name and the descriptor above it before that is opened. Raises ``OSError``; ENOTDIR or
    ELOOP for a link on the way.
    """
    return _descend(os.dup(folder), names, FOLDER, make)


def open_resolved(path: Path) -> int:
    """The descriptor of the folder at an absolute path whose links are resolved. The caller closes it.

    Raises ``OSError``; ENOTDIR or ELOOP where a link has taken the place of a folder since.
    """
    path = path.absolute()
    with held(_descend(os.open(path.anchor, _PASS), path.parts[1:-1], _PASS, None)) as above:
        return os.open(path.name or ".", FOLDER, dir_fd=above)


def _descend(descriptor: int, names: Sequence[str], flags: int, make: Callable[[str, int], None] | None) -> int:
    """Takes over ``descriptor``."""
    try:
        for name in names:
            if make is not None:
                make(name, descriptor)
            below = os.open(name, flags, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def names_in(folder: int) -> list[str]:
    """What is in an open folder; without a path, which could be replaced."""
    return os.listdir(folder)


def make_folder(name: str, parent: int) -> None:
    """Makes a folder, unless there is something of that name already."""
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=parent)


def replace_file(folder: int, name: str, data: bytes, *, temporary: str, mode: int) -> None:
    """Writes a file whole, durably, over what has its name; meanwhile it is called ``temporary``, which has a ``*``."""
    fresh = temporary.replace("*", secrets.token_hex(8))
    try:
        with os.fdopen(os.open(fresh, NEW, 0o600, dir_fd=folder), "wb") as sink:
            sink.write(data)
            sink.flush()
            os.fchmod(sink.fileno(), mode)
            os.fsync(sink.fileno())
        os.replace(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(fresh, dir_fd=folder)
        raise
    os.fsync(folder)
