"""Reading untrusted files: bounds on count, size and ratio, counted while reading, never believed; and on memory."""

from __future__ import annotations

import resource
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobctl.core.errors import Invalid

MAX_ENTRIES = 10_000
MAX_TOTAL = 1 << 30
MAX_RATIO = 200
RATIO_FROM = 1 << 20
_BLOCK = 1 << 16
MEMORY_SHARE = 4
MEMORY_RATIO = 100
_PAGE = resource.getpagesize()


@contextmanager
def bounded_memory(path: Path) -> Iterator[None]:
    """Within, this process may take a quarter of its limit of memory, or a hundred times the size of a file if that is more.

    A few kilobytes can be written so that a parser needs all there is. Raises ``Invalid`` where Python runs out of it; a
    library that ends the process instead is noticed by the worker. Without a limit of the process there is none here.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY:
        yield
        return
    allowance = max(soft // MEMORY_SHARE, MEMORY_RATIO * path.stat().st_size)
    resource.setrlimit(resource.RLIMIT_AS, (min(soft, _address_space() + allowance), hard))
    try:
        yield
    except MemoryError:
        raise Invalid(
            f"{path.name} needs more memory than {allowance >> 20:,} MB to be read",
            hint="The setting child_memory_mb raises this limit, which is a quarter of it.",
        ) from None
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _address_space() -> int:
    """Bytes that this process has reserved."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE
    except OSError:  # not Linux, where nothing enforces the limit either
        return 0


class BoundedZip:
    """A ZIP whose entries are read within bounds. Raises ``Invalid``, naming the file."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._total = 0
        self.doubled: list[str] = []  # names that stand there twice: the last entry counts, as for all readers of ZIP
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            raise Invalid(f"{self.name} is a damaged or truncated archive") from None
        self._entries = self._checked()

    def _checked(self) -> dict[str, zipfile.ZipInfo]:
        infos = self._zip.infolist()
        if len(infos) > MAX_ENTRIES:
            raise Invalid(f"{self.name} has more than {MAX_ENTRIES:,} entries")
        entries: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            self._refuse(info)
            if info.filename in entries:
                self.doubled.append(info.filename)
            entries[info.filename] = info
        return entries

    def _refuse(self, info: zipfile.ZipInfo) -> None:
        name = info.orig_filename
        unsafe = name.startswith("/") or "\\" in name or ":" in name.split("/")[0] or "\x00" in name
        if unsafe or ".." in name.split("/"):
            raise Invalid(f"{self.name} has an entry with an unsafe name")
        if info.flag_bits & 0x1:
            raise Invalid(f"{self.name} is encrypted")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise Invalid(f"{self.name} contains a link")

    def names(self) -> list[str]:
        """Entries in their order."""
        return list(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def read(self, name: str) -> bytes:
        """The bytes of an entry."""
        info = self._entries.get(name)
        if info is None:
            raise Invalid(f"{self.name} lacks {name}")
        blocks: list[bytes] = []
        size = 0
        try:
            with self._zip.open(info) as stream:
                while block := stream.read(_BLOCK):
                    size += len(block)
                    self._total += len(block)
                    self._limit(size, info)
                    blocks.append(block)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError):
            raise Invalid(f"{self.name} is damaged: {name} can't be unpacked") from None
        return b"".join(blocks)

    def _limit(self, size: int, info: zipfile.ZipInfo) -> None:
        if self._total > MAX_TOTAL:
            raise Invalid(f"{self.name} unpacks to more than 1 GB")
        if size > RATIO_FROM and size > MAX_RATIO * max(info.compress_size, 1):
            raise Invalid(f"{self.name} is an archive bomb: {info.filename} unpacks to over {MAX_RATIO} times its size")

    def close(self) -> None:
        """Closes the file."""
        self._zip.close()
