"""The export archive: a ZIP or a folder with a manifest, the same bytes for the same library.

``documents/<uid>/`` holds ``document.json``, ``content.md``, ``chunks.jsonl``, ``annotations.json``, ``connections.json`` and
the original source. ``manifest.json`` comes last and names the schema, the counts, the engines, and size and SHA-256 of
every file; a reader believes nothing before it has compared all of them. Names come from ids, never from titles.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from jobctl.core.errors import Invalid

SCHEMA = "jobctl-export/1"
MANIFEST = "manifest.json"
MAX_FILES = 100_000
MAX_TOTAL = 8 << 30
MAX_RATIO, RATIO_FROM = 200, 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the archive, as the manifest names it."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself."""

    documents: list[dict[str, Any]]  # uid, title
    files: list[Entry]
    counts: dict[str, int]
    engines: list[str]
    options: dict[str, Any] = field(default_factory=dict)

    def bytes(self) -> bytes:
        """The file."""
        return plain(
            {
                "schema": SCHEMA, "documents": self.documents, "counts": self.counts, "engines": self.engines,
                "options": self.options,
                "files": [{"name": e.name, "size": e.size, "sha256": e.sha256} for e in self.files],
            }
        )  # fmt: skip


def plain(value: Any) -> bytes:
    """JSON that is the same each time: keys sorted, a line feed at the end."""
    return (json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


def lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """One object a line."""
    return "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows).encode()


def entry(name: str, data: bytes) -> Entry:
    """What the manifest says of bytes."""
    return Entry(name, len(data), hashlib.sha256(data).hexdigest())


# -- writing ---------------------------------------------------------------------------------------------------------


def write(target: Path, form: str, manifest: Manifest, streams: Iterable[tuple[str, BinaryIO]]) -> None:
    """Writes the archive, a block at a time, and puts it at its place when it is whole.

    ``streams`` come in the order of the manifest's files. A ZIP replaces a file; a folder must be new or empty.
    """
    if form == "zip":
        _atomically(target, lambda beside: _zip(beside, manifest, streams))
    else:
        _folder(target, manifest, streams)


def _zip(beside: Path, manifest: Manifest, streams: Iterable[tuple[str, BinaryIO]]) -> None:
    with zipfile.ZipFile(beside, "w") as archive:
        for name, stream in streams:
            with archive.open(_info(name), "w", force_zip64=True) as sink:
                shutil.copyfileobj(stream, sink, _BLOCK)
        archive.writestr(_info(MANIFEST), manifest.bytes())
    _sync(beside)


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_STORED if "/source." in name else zipfile.ZIP_DEFLATED
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    info.create_system = 3
    return info


def _folder(target: Path, manifest: Manifest, streams: Iterable[tuple[str, BinaryIO]]) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Invalid(f"{target} is there and not an empty folder", hint="Give another path.")
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        for name, stream in [*streams]:
            place = beside / name
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("wb") as sink:
                shutil.copyfileobj(stream, sink, _BLOCK)
            _sync(place)
        (beside / MANIFEST).write_bytes(manifest.bytes())
        beside.chmod(0o755)
        if target.exists():
            target.rmdir()
        beside.replace(target)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _atomically(target: Path, make: Any) -> None:
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise Invalid(f"{target} can't be written: {error.strerror}", hint="Give another path.") from error
    os.close(descriptor)
    beside = Path(name)
    try:
        make(beside)
        beside.chmod(0o644)
        beside.replace(target)
        _sync(target.parent)
    finally:
        beside.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# -- reading ---------------------------------------------------------------------------------------------------------


class Archive:
    """A ZIP or folder that was written by ``write``. Every file that is read is compared with the manifest."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._root = path if path.is_dir() else None
        self._zip: zipfile.ZipFile | None = None
        try:
            if self._root is None:
                self._zip = zipfile.ZipFile(path)
            self._names = self._listed()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            raise Invalid(f"{self.name} is no archive, or a damaged or truncated one") from None
        self.manifest = self._manifest()
        self._files = {e.name: e for e in self.manifest.files}
        self._compare_names()

    def close(self) -> None:
        """Closes the file."""
        if self._zip is not None:
            self._zip.close()

    def verify(self, uid: str | None = None) -> None:
        """Compares every file, or those of one document, with the manifest. Raises ``Invalid``."""
        for held in self.manifest.files:
            if uid is None or held.name.startswith(f"documents/{uid}/"):
                for _ in self._blocks(held):
                    pass

    def read(self, name: str) -> bytes:
        """The bytes of a file."""
        return b"".join(self._blocks(self._files[name]))

    def json(self, name: str) -> Any:
        """A JSON file."""
        return self._parsed(name, self.read(name))

    def json_lines(self, name: str) -> list[Any]:
        """A file of one object a line."""
        return [self._parsed(name, line) for line in self.read(name).splitlines() if line]

    def source(self, uid: str) -> str | None:
        """The name of a document's original, where it is in the archive."""
        return next((name for name in self._files if name.startswith(f"documents/{uid}/source.")), None)

    def copy(self, name: str, sink: BinaryIO) -> None:
        """Copies a file, a block at a time."""
        sink.writelines(self._blocks(self._files[name]))

    def _parsed(self, name: str, data: bytes) -> Any:
        try:
            return json.loads(data)
        except ValueError:
            raise Invalid(f"{self.name}: {name} is no JSON") from None

    def _listed(self) -> list[str]:
        if self._root is not None:
            found = []
            for path in sorted(self._root.rglob("*")):
                if path.is_symlink():
                    raise Invalid(f"{self.name} has a link in it: {path.name}")
                if path.is_file():
                    found.append(path.relative_to(self._root).as_posix())
            return found
        infos = self._zip.infolist() if self._zip else []
        if len(infos) > MAX_FILES:
            raise Invalid(f"{self.name} has more than {MAX_FILES:,} files")
        for info in infos:
            if info.flag_bits & 0x1:
                raise Invalid(f"{self.name} is encrypted")
            if stat.S_ISLNK(info.external_attr >> 16):
                raise Invalid(f"{self.name} has a link in it")
        names = [info.orig_filename for info in infos]
        if len(set(names)) != len(names):
            raise Invalid(f"{self.name} has two files of one name")
        return names

    def _manifest(self) -> Manifest:
        for name in self._names:
            if name.startswith("/") or "\\" in name or ":" in name or "\x00" in name or ".." in name.split("/"):
                raise Invalid(f"{self.name} has a file with an unsafe name")
        if MANIFEST not in self._names:
            raise Invalid(f"{self.name} is no export of jobctl: it has no {MANIFEST}")
        told = self._parsed(MANIFEST, b"".join(self._raw(MANIFEST, 256 << 20)))
        if not isinstance(told, dict) or told.get("schema") != SCHEMA:
            schema = told.get("schema") if isinstance(told, dict) else None
            raise Invalid(f"{self.name} has the schema {schema!r}; this jobctl reads {SCHEMA}", hint="Upgrade jobctl.")
        try:
            files = [Entry(str(f["name"]), int(f["size"]), str(f["sha256"])) for f in told["files"]]
            documents = [{"uid": str(d["uid"]), "title": str(d["title"])} for d in told["documents"]]
            return Manifest(
                documents, files, dict(told["counts"]), list(told["engines"]), dict(told.get("options", {}))
            )
        except (KeyError, TypeError, ValueError):
            raise Invalid(f"{self.name}: the manifest lacks something") from None

    def _compare_names(self) -> None:
        named, there = set(self._files) | {MANIFEST}, set(self._names)
        if missing := sorted(named - there):
            raise Invalid(f"{self.name} lacks {missing[0]}, which its manifest names")
        if extra := sorted(there - named):
            raise Invalid(f"{self.name} has {extra[0]}, which its manifest does not name")
        if sum(e.size for e in self.manifest.files) > MAX_TOTAL:
            raise Invalid(f"{self.name} unpacks to more than {MAX_TOTAL >> 30} GB")

    def _blocks(self, held: Entry) -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        for block in self._raw(held.name, held.size):
            digest.update(block)
            size += len(block)
            yield block
        if size != held.size or digest.hexdigest() != held.sha256:
            raise Invalid(f"{self.name}: {held.name} is not what the manifest says: it was changed or damaged")

    def _raw(self, name: str, limit: int) -> Iterator[bytes]:
        """The bytes as they come, never more than there should be, never out of proportion."""
        packed = self._zip.getinfo(name).compress_size if self._zip else None
        size = 0
        try:
            with self._open(name) as stream:
                while block := stream.read(_BLOCK):
                    size += len(block)
                    if size > limit:
                        raise Invalid(f"{self.name}: {name} is larger than it should be")
                    if packed is not None and size > RATIO_FROM and size > MAX_RATIO * max(packed, 1):
                        raise Invalid(
                            f"{self.name} is an archive bomb: {name} unpacks to over {MAX_RATIO} times its size"
                        )
                    yield block
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError):
            raise Invalid(f"{self.name} is damaged: {name} can't be read") from None

    def _open(self, name: str) -> Any:
        if self._zip is not None:
            return self._zip.open(name)
        return (self._root / name).open("rb") if self._root is not None else None


def total(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Counts of several documents, added up."""
    names = sorted({name for count in counts for name in count})
    return {name: sum(count.get(name, 0) for count in counts) for name in names}
