"""The folder of a vault: nothing outside of it, nothing in ``.obsidian``, every note written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from jobctl.core.errors import Invalid
from jobctl.documents.vault.note import uid_of

MAX_NOTE = 10 << 20


class Vault:
    """An existing folder. Raises ``Invalid`` for one that is not there or can't be written."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise Invalid(f"there is no vault at {root}", hint="Give the folder that Obsidian opens.")
        self.root = root.resolve()
        if not os.access(self.root, os.W_OK):
            raise Invalid(f"the vault {self.root} can't be written")
        self.problems: list[str] = []

    def names(self) -> list[str]:
        """Names of all notes, without suffix, wherever they are."""
        return sorted(path.stem for path in self._notes())

    def by_uid(self) -> dict[str, str]:
        """Paths of the notes that belong to documents. Two notes of one document are a problem, and neither counts."""
        found: dict[str, list[str]] = {}
        for path in self._notes():
            relative = path.relative_to(self.root).as_posix()
            try:
                uid = uid_of(self.read(relative))
            except Invalid as error:
                self.problems.append(str(error))
                continue
            if uid is not None:
                found.setdefault(uid, []).append(relative)
        for uid, paths in found.items():
            if len(paths) > 1:
                self.problems.append(f"{' and '.join(paths)} are both notes of document {uid}: keep one")
        return {uid: paths[0] for uid, paths in found.items() if len(paths) == 1}

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
            descriptor, name = tempfile.mkstemp(prefix=".jobctl-", dir=path.parent)
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
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = Path(folder) / name
                if name.endswith(".md") and not name.startswith(".") and not path.is_symlink():
                    yield path

    def _inside(self, relative: str) -> Path:
        path = self.root / relative
        hidden = any(part.startswith(".") for part in Path(relative).parts)
        if hidden or not path.parent.resolve().is_relative_to(self.root) or path.is_symlink():
            raise Invalid(f"{relative} leads out of the vault")
        return path
