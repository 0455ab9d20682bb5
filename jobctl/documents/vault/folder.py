"""The folder of a vault: nothing outside of it, nothing in ``.obsidian``, every note written whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath

from jobctl.core.errors import Invalid
from jobctl.documents.vault.names import folded
from jobctl.documents.vault.parts import digest, uid_of

MAX_NOTE = 10 << 20
_MEANS_SOMETHING = re.compile(r"[#^|\[\]\\]|%%")
_HALF, _WRITTEN = ".jobctl-", ".tmp"


class Vault:
    """An existing folder. Raises ``Invalid`` for one that is not there or can't be written."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise Invalid(f"no vault at {root}", hint="Name the folder that Obsidian opens.")
        self.root = root.resolve()
        if not os.access(self.root, os.W_OK):
            raise Invalid(f"the vault {self.root} can't be written")
        self.problems: list[str] = []
        self._owned: dict[str, list[str]] = {}

    def names(self) -> list[str]:
        """Names of all notes, without suffix, wherever they are."""
        return sorted(path.stem for path in self._notes())

    def scan(self, report: Callable[[int, int], None] = lambda *_: None) -> None:
        """Finds which notes belong to documents, for ``path_of``; removes files that a killed writer left incomplete.

        What can't be read, and two notes of one document, are ``problems``. ``report`` receives (notes read, notes).
        """
        self._owned = {}
        for path in self._files(lambda name: name.startswith(_HALF) and name.endswith(_WRITTEN)):
            path.unlink(missing_ok=True)
        notes = [*self._notes()]
        for number, path in enumerate(notes, 1):
            relative = path.relative_to(self.root).as_posix()
            try:
                uid = uid_of(self.read(relative))
            except Invalid as error:
                self.problems.append(str(error))
                continue
            if uid is not None:
                self._owned.setdefault(uid, []).append(relative)
            report(number, len(notes))
        for uid, paths in self._owned.items():
            if len(paths) > 1:
                self.problems.append(f"{' and '.join(paths)} are both notes of document {uid}: keep one")

    def path_of(self, uid: str, recorded: str | None) -> str | None:
        """Where a document's note is: the one with its id, of several that which is ``recorded``.

        A note that can't be read, or lost its id, is still the one that was recorded, unless it is another document's.
        """
        own = self._owned.get(uid, [])
        if len(own) == 1:
            return own[0]
        others = {path for other, paths in self._owned.items() if other != uid for path in paths}
        if recorded is None or recorded in others or (own and recorded not in own):
            return None
        return recorded if recorded in own or (self.root / recorded).exists() else None

    def torn(self, uid: str) -> bool:
        """Whether several notes claim to be this document's."""
        return len(self._owned.get(uid, [])) > 1

    def digest(self, relative: str) -> str:
        """SHA-256 of a note's text; empty for one that is not there or can't be read."""
        try:
            return digest(self.read(relative)) if self.exists(relative) else ""
        except Invalid:
            return ""

    def read(self, relative: str) -> str:
        """A note. Raises ``Invalid``."""
        path = self._inside(relative)
        try:
            if path.stat().st_size > MAX_NOTE:
                raise Invalid(f"{relative} is larger than {MAX_NOTE >> 20} MB")
            return path.read_bytes().decode()
        except UnicodeDecodeError:
            raise Invalid(f"{relative} is not UTF-8") from None
        except OSError as error:
            raise Invalid(f"{relative} can't be read: {error.strerror}") from None

    def exists(self, relative: str) -> bool:
        """Whether the note is there."""
        return self._inside(relative).is_file()

    def write(self, relative: str, text: str) -> bool:
        """Writes a note whole, durably; False when it has these very bytes already."""
        path = self._inside(relative)
        data = text.encode()
        try:
            if path.is_file() and path.read_bytes() == data:
                return False
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(prefix=_HALF, suffix=_WRITTEN, dir=path.parent)
            try:
                with os.fdopen(descriptor, "wb") as sink:
                    sink.write(data)
                    sink.flush()
                    os.fsync(sink.fileno())
                Path(name).chmod(0o644)
                Path(name).replace(path)
            finally:
                Path(name).unlink(missing_ok=True)
        except OSError as error:
            raise Invalid(f"{relative} can't be written: {error.strerror}") from None
        return True

    def _notes(self) -> Iterator[Path]:
        return self._files(lambda name: name.endswith(".md") and not name.startswith("."))

    def _files(self, wanted: Callable[[str], bool]) -> Iterator[Path]:
        """Files by name, in order, outside of hidden folders; no links."""
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = Path(folder) / name
                if wanted(name) and not path.is_symlink():
                    yield path

    def _inside(self, relative: str) -> Path:
        path = self.root / relative
        hidden = any(part.startswith(".") for part in Path(relative).parts)
        if hidden or not path.parent.resolve().is_relative_to(self.root) or path.is_symlink():
            raise Invalid(f"{relative} leads out of the vault")
        return path


def link_names(paths: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """How a link names each note: by its name, or by its whole path where ``others`` (names) has that name twice.

    Without those that no link can name, because a person's name for them has characters that mean something in links.
    """
    paths = [path for path in paths if not _MEANS_SOMETHING.search(path)]
    known = Counter(folded(name) for name in others)
    stems = {path: PurePosixPath(path).stem for path in paths}
    return {path: stem if known[folded(stem)] < 2 else path.removesuffix(".md") for path, stem in stems.items()}
