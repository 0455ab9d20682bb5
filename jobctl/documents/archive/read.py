"""Reading an archive: every file is compared with the manifest, within bounds."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, TypeVar

from pydantic import TypeAdapter, ValidationError

from jobctl.core.errors import Invalid
from jobctl.core.jsontypes import Json
from jobctl.core.library import NewChunk
from jobctl.documents.archive.manifest import MANIFEST, SCHEMA, Entry, Manifest
from jobctl.documents.archive.rows import ArchivedAnnotation, ArchivedChunk, ArchivedConnection, ArchivedDocument

MAX_FILES = 100_000
MAX_TOTAL = 8 << 30
MAX_RATIO, RATIO_FROM = 200, 1 << 20
_BLOCK = 1 << 20
_MANIFEST = TypeAdapter(Manifest)
_DOCUMENT = TypeAdapter(ArchivedDocument)
_CHUNKS = TypeAdapter(list[ArchivedChunk])
_ANNOTATIONS = TypeAdapter(list[ArchivedAnnotation])
_CONNECTIONS = TypeAdapter(list[ArchivedConnection])
T = TypeVar("T")


class Archive:
    """A ZIP or folder that was written by ``write``. Every file that is read is compared with the manifest."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._path = path
        self._zip: zipfile.ZipFile | None = None
        try:
            if not path.is_dir():
                self._zip = zipfile.ZipFile(path)
            self._names = self._listed()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            raise Invalid(f"{self.name} is not an archive, or is damaged or truncated") from None
        self.manifest = self._manifest()
        self._files = {e.name: e for e in self.manifest.files}
        self._compare_names()

    def close(self) -> None:
        """Closes the file."""
        if self._zip is not None:
            self._zip.close()

    def verify(self, uid: str | None = None) -> None:
        """Compares every file, or those of one document, with the manifest. Raises ``Invalid``."""
        for file in self.manifest.files:
            if uid is None or file.name.startswith(f"documents/{uid}/"):
                for _ in self._blocks(file):
                    pass

    def read(self, name: str) -> bytes:
        """The bytes of a file."""
        return b"".join(self._blocks(self._files[name]))

    def document(self, uid: str) -> ArchivedDocument:
        """The description of a document. Raises ``Invalid``."""
        name = f"documents/{uid}/document.json"
        try:
            document = _DOCUMENT.validate_python(self._parsed(name, self.read(name)))
        except ValidationError:
            document = None
        if document is None or document.uid != uid or not document.title:
            raise Invalid(f"{self.name}: the description of document {uid} is not valid")
        return document

    def text(self, uid: str) -> str:
        """The Markdown of a document. Raises ``Invalid``."""
        name = f"documents/{uid}/content.md"
        try:
            return self.read(name).decode()
        except UnicodeDecodeError:
            raise Invalid(f"{self.name}: {name} is not UTF-8") from None

    def chunks(self, uid: str) -> list[NewChunk]:
        """The chunks of a document; each is exactly its range of the text. Raises ``Invalid``."""
        name, text = f"documents/{uid}/chunks.jsonl", self.text(uid)
        rows = [self._parsed(name, line) for line in self.read(name).splitlines() if line]
        try:
            chunks = [row.chunk() for row in _CHUNKS.validate_python(rows)]
        except ValueError:
            raise Invalid(f"{self.name}: the chunks of document {uid} are incomplete") from None
        for chunk in chunks:
            if text[chunk.start_offset : chunk.end_offset] != chunk.text:
                raise Invalid(f"{self.name}: chunk {chunk.index} of document {uid} is not at its offsets")
        return chunks

    def annotations(self, uid: str) -> list[ArchivedAnnotation]:
        """The highlights and notes of a document. Raises ``Invalid``."""
        return self._listed_rows(f"documents/{uid}/annotations.json", _ANNOTATIONS)

    def connections(self, uid: str) -> list[ArchivedConnection]:
        """The connections that start in a document. Raises ``Invalid``."""
        return self._listed_rows(f"documents/{uid}/connections.json", _CONNECTIONS)

    def _listed_rows(self, name: str, rows: TypeAdapter[list[T]]) -> list[T]:
        try:
            return rows.validate_python(self._parsed(name, self.read(name)))
        except ValidationError:
            raise Invalid(f"{self.name}: {name} is incomplete") from None

    def source(self, uid: str) -> str | None:
        """The name of a document's original, where it is in the archive."""
        return next((name for name in self._files if name.startswith(f"documents/{uid}/source.")), None)

    def copy(self, name: str, sink: BinaryIO) -> None:
        """Copies a file, a block at a time."""
        sink.writelines(self._blocks(self._files[name]))

    def _parsed(self, name: str, data: bytes) -> Json:
        try:
            parsed: Json = json.loads(data)
        except (ValueError, RecursionError):
            raise Invalid(f"{self.name}: {name} is not JSON") from None
        return parsed

    def _listed(self) -> list[str]:
        if self._zip is None:
            found = []
            for path in sorted(self._path.rglob("*")):
                if path.is_symlink():
                    raise Invalid(f"{self.name} contains a link: {path.name}")
                if path.is_file():
                    found.append(path.relative_to(self._path).as_posix())
            return found
        infos = self._zip.infolist()
        if len(infos) > MAX_FILES:
            raise Invalid(f"{self.name} has more than {MAX_FILES:,} files")
        for info in infos:
            if info.flag_bits & 0x1:
                raise Invalid(f"{self.name} is encrypted")
            if stat.S_ISLNK(info.external_attr >> 16):
                raise Invalid(f"{self.name} contains a link")
        names = [info.orig_filename for info in infos]
        if len(set(names)) != len(names):
            raise Invalid(f"{self.name} has two files of one name")
        return names

    def _manifest(self) -> Manifest:
        for name in self._names:
            if name.startswith("/") or "\\" in name or ":" in name or "\x00" in name or ".." in name.split("/"):
                raise Invalid(f"{self.name} has a file with an unsafe name")
        if MANIFEST not in self._names:
            raise Invalid(f"{self.name} is not an export of jobctl: it has no {MANIFEST}")
        manifest = self._parsed(MANIFEST, b"".join(self._raw(MANIFEST, 256 << 20)))
        if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
            schema = manifest.get("schema") if isinstance(manifest, dict) else None
            raise Invalid(f"{self.name} has the schema {schema!r}; this jobctl reads {SCHEMA}", hint="Upgrade jobctl.")
        try:
            return _MANIFEST.validate_python(manifest)
        except ValidationError:
            raise Invalid(f"{self.name}: the manifest is incomplete") from None

    def _compare_names(self) -> None:
        named, there = set(self._files) | {MANIFEST}, set(self._names)
        if missing := sorted(named - there):
            raise Invalid(f"{self.name} lacks {missing[0]}, which its manifest names")
        if extra := sorted(there - named):
            raise Invalid(f"{self.name} has {extra[0]}, which its manifest does not name")
        if sum(e.size for e in self.manifest.files) > MAX_TOTAL:
            raise Invalid(f"{self.name} unpacks to more than {MAX_TOTAL >> 30} GB")

    def _blocks(self, file: Entry) -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        for block in self._raw(file.name, file.size):
            digest.update(block)
            size += len(block)
            yield block
        if size != file.size or digest.hexdigest() != file.sha256:
            raise Invalid(f"{self.name}: {file.name} does not match the manifest: it was changed or damaged")

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

    def _open(self, name: str) -> IO[bytes]:
        return self._zip.open(name) if self._zip is not None else (self._path / name).open("rb")
