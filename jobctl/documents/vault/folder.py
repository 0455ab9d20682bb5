"""The folder of a vault: nothing outside of it, nothing in ``.obsidian``, every note written whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from jobctl.core.errors import Invalid
from jobctl.documents.vault.names import folded
from jobctl.documents.vault.parts import digest, uid_of
from jobctl.system.folders import READ, held, make_folder, open_below, open_resolved, replace_file

MAX_NOTE = 10 << 20
_MEANS_SOMETHING = re.compile(r"[#^|\[\]\\]|%%")
_WRITTEN = ".jobctl-*.tmp"
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR)


class Vault:
    """An existing folder. Raises ``Invalid`` for one that is not there or can't be written.

    It is held open, and everything in it is reached by descriptors: a folder that is replaced by a link leads nowhere.
    ``root``: its path, links resolved.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            self._root = open_resolved(root)
        except OSError as error:
            if error.errno in _NOT_THERE:
                raise Invalid(f"no vault at {root}", hint="Name the folder that Obsidian opens.") from None
            raise Invalid(f"the vault {root} can't be opened: {error.strerror}") from None
        if not os.access(".", os.W_OK, dir_fd=self._root):
            raise Invalid(f"the vault {root} can't be written")
        self.problems: list[str] = []
        self._owned: dict[str, list[str]] = {}

    def __del__(self) -> None:
        with suppress(AttributeError):  # it could not be opened
            os.close(self._root)

    def names(self) -> list[str]:
        """Names of all notes, without suffix, wherever they are."""
        return sorted(PurePosixPath(path).stem for path in self._notes())

    def scan(self, report: Callable[[int, int], None] = lambda *_: None) -> None:
        """Finds which notes belong to documents, for ``path_of``; removes files that a killed writer left incomplete.

        What can't be read, and two notes of one document, are ``problems``. ``report`` receives (notes read, notes).
        """
        self._owned = {}
        for _, name, folder in self._files(_WRITTEN):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
        notes = [*self._notes()]
        for number, relative in enumerate(notes, 1):
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
        return recorded if recorded in own or self._mode(recorded) else None

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
        try:
            with self._parent(relative) as (folder, name):
                data = _bytes(name, folder)
        except OSError as error:
            raise _refusal(relative, "read", error) from None
        if len(data) > MAX_NOTE:
            raise Invalid(f"{relative} is larger than {MAX_NOTE >> 20} MB")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise Invalid(f"{relative} is not UTF-8") from None

    def exists(self, relative: str) -> bool:
        """Whether the note is there. Raises ``Invalid`` for a link."""
        mode = self._mode(relative)
        if stat.S_ISLNK(mode):
            raise _refusal(relative, "read", OSError(errno.ELOOP, ""))
        return stat.S_ISREG(mode)

    def write(self, relative: str, text: str) -> bool:
        """Writes a note whole, durably; False when it has these very bytes already."""
        data = text.encode()
        try:
            with self._parent(relative, make=make_folder) as (folder, name):
                if _mode(name, folder) and _bytes(name, folder) == data:
                    return False
                replace_file(folder, name, data, temporary=_WRITTEN, mode=0o644)
        except OSError as error:
            raise _refusal(relative, "written", error) from None
        return True

    def _notes(self) -> Iterator[str]:
        return (path for path, _, _ in self._files("[!.]*.md"))

    def _files(self, pattern: str) -> Iterator[tuple[str, str, int]]:
        """Files by name, in order, outside of hidden folders, no links: path, name and the descriptor of the folder."""
        for at, folders, names, folder in os.fwalk(".", dir_fd=self._root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if fnmatchcase(name, pattern) and not stat.S_ISLNK(_mode(name, folder)):
                    yield (PurePosixPath(at) / name).as_posix(), name, folder

    def _mode(self, relative: str) -> int:
        """Kind and mode of what is there; 0: nothing. Raises ``Invalid`` for what is not inside."""
        try:
            with self._parent(relative) as (folder, name):
                return _mode(name, folder)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return 0
            raise _refusal(relative, "read", error) from None

    @contextmanager
    def _parent(self, relative: str, *, make: Callable[[str, int], None] | None = None) -> Iterator[tuple[int, str]]:
        """The descriptor of the folder that a note is in, and the note's name there."""
        parts = PurePosixPath(relative).parts
        if not parts or any(part.startswith((".", "/")) for part in parts):
            raise Invalid(f"{relative} leads out of the vault")
        with held(open_below(self._root, parts[:-1], make=make)) as folder:
            yield folder, parts[-1]


def _mode(name: str, folder: int) -> int:
    """Kind and mode of what is in a folder under a name; 0: nothing."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return 0


def _bytes(name: str, folder: int) -> bytes:
    """A file, as far as a note may be long and one byte more. Raises ``OSError``; ELOOP for a link."""
    with os.fdopen(os.open(name, READ, dir_fd=folder), "rb") as note:
        if not stat.S_ISREG(os.fstat(note.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a file")
        return note.read(MAX_NOTE + 1)


def _refusal(relative: str, what: str, error: OSError) -> Invalid:
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return Invalid(f"{relative} leads out of the vault, or through what is not a folder")
    return Invalid(f"{relative} can't be {what}: {error.strerror}")


def link_names(paths: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """How a link names each note: by its name, or by its whole path where ``others`` (names) has that name twice.

    Without those that no link can name, because a person's name for them has characters that mean something in links.
    """
    paths = [path for path in paths if not _MEANS_SOMETHING.search(path)]
    known = Counter(folded(name) for name in others)
    stems = {path: PurePosixPath(path).stem for path in paths}
    return {path: stem if known[folded(stem)] < 2 else path.removesuffix(".md") for path, stem in stems.items()}
