"""Files that commands write for people."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

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
