"""Opening what a job names under an allowed root: by folder descriptors, so that no link leads out between check and use."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from jobctl.core.errors import Invalid
from jobctl.system.folders import READ, held, open_below

_BY_DESCRIPTOR = Path("/proc/self/fd")


class OpenedInput:
    """An open file or folder below a root. ``path`` leads to it, whatever becomes of the name that it was opened by.

    It is valid until this object goes. The path has the input's own name: a name says the format of a text.
    """

    def __init__(self, descriptor: int, name: str, workspace: Path) -> None:
        self._descriptor = descriptor
        self.path = workspace / f"input-{descriptor}" / name
        self.path.parent.mkdir(exist_ok=True)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(_BY_DESCRIPTOR / str(descriptor))

    def __del__(self) -> None:
        os.close(self._descriptor)


def allowed_path(path: str, roots: Sequence[Path]) -> Path:
    """A path that lies, links resolved, under one of ``roots``. Raises ``Invalid`` for any other."""
    real = _resolved(path)
    if any(real.is_relative_to(root) for root in roots):
        return real
    listed = ", ".join(map(str, roots)) or "none"
    raise Invalid(
        f"{path} is not under a folder that this worker may use ({listed})", hint="jobctl worker run --input-root DIR"
    )


def open_input(path: str, roots: Sequence[Path], workspace: Path) -> OpenedInput:
    """Opens a regular file or a folder under one of ``roots``, and nothing else.

    Raises ``Invalid`` for a path outside, a FIFO, a device, a socket, or one whose folders change meanwhile.
    """
    real = allowed_path(path, roots)
    root = next(root for root in roots if real.is_relative_to(root))
    descriptor = _open_beneath(root, real.relative_to(root).parts, path)
    kind = os.fstat(descriptor).st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        os.close(descriptor)
        raise Invalid(f"{path} is not a regular file or a folder")
    if not _BY_DESCRIPTOR.exists():
        raise Invalid(f"{path} can't be opened safely on this system: submit the file itself")
    return OpenedInput(descriptor, real.name, workspace)


def _resolved(path: str) -> Path:
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError, ValueError):
        raise Invalid(f"{path!r} is not a path that can be used") from None


def _open_beneath(root: Path, parts: Sequence[str], path: str) -> int:
    """Each folder by the descriptor of the one above it; a link in any place is one that was put there since."""
    try:
        with (
            held(os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) as top,
            held(open_below(top, parts[:-1])) as folder,
        ):
            found = os.open(parts[-1] if parts else ".", READ, dir_fd=folder)
    except OSError as error:
        raise _refusal(error, path) from None
    with suppress(OSError):
        os.set_blocking(found, True)
    return found


def _refusal(error: OSError, path: str) -> Invalid:
    if error.errno == errno.ENOENT:
        return Invalid(f"no such file: {path}")
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return Invalid(f"{path} was replaced while it was opened")
    if error.errno in (errno.ENXIO, errno.ENODEV):  # a socket, a device without a driver
        return Invalid(f"{path} is not a regular file or a folder")
    return Invalid(f"{path} can't be read: {os.strerror(error.errno or 0)}")
