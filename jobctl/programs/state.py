"""The state folder of a program as a checkpoint: its files in the storage, and a list of them with their hashes."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jobctl.core.errors import CheckpointCorrupt
from jobctl.core.keys import work_key
from jobctl.core.plain import plain
from jobctl.core.ports import Storage
from jobctl.programs.files import Stamp, StoredFile, fetch, name_in, put, relative, stamp


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state folder at one moment: what the value of its checkpoint contains."""

    files: tuple[StoredFile, ...] = ()
    folders: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Snapshot:
        """From the plain data of a checkpoint. Raises ``CheckpointCorrupt`` for anything else."""
        try:
            files = tuple(StoredFile(**file) for file in value["files"])
            folders = tuple(map(relative, value["folders"]))
            links = tuple((relative(name), str(target)) for name, target in value["links"])
            return cls(tuple(file for file in files if relative(file.name)), folders, links)
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointCorrupt(f"the checkpoint is not that of a state folder: {error}") from error


class StateFolder:
    """``$JOBCTL_STATE_DIR`` of one attempt."""

    def __init__(self, path: Path, storage: Storage, job_id: int, attempt: int) -> None:
        self.path = path
        self._storage = storage
        self._prefix = work_key(job_id, f"state-{attempt}")
        self._known: dict[str, tuple[Stamp, StoredFile]] = {}
        self._kept: list[Snapshot] = []
        self.clear()

    def clear(self) -> None:
        """An empty folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)
        self._known.clear()

    def restore(self, value: Mapping[str, Any]) -> Snapshot:
        """The folder as it was in a checkpoint. Raises ``CheckpointError`` where its bytes cannot be used."""
        snapshot = Snapshot.of(value)
        self.clear()
        for name in snapshot.folders:
            (self.path / name).mkdir(parents=True, exist_ok=True)
        for file in snapshot.files:
            fetch(self._storage, file, self.path / file.name, scratch=self.path.parent)
            self._known[file.name] = stamp((self.path / file.name).stat()), file
        for name, target in snapshot.links:
            (self.path / name).symlink_to(target)
        self._kept.append(snapshot)
        return snapshot

    def store(self) -> dict[str, object]:
        """Makes the folder as it is durable; returns the value of its checkpoint. Unchanged files are not stored again."""
        files, folders, links = [], [], []
        for path in _walk(self.path):
            name = name_in(path, self.path)
            kind = path.lstat().st_mode
            if stat.S_ISLNK(kind):
                links.append((name, os.readlink(path)))  # noqa: PTH115 - the text of the link, whatever it is
            elif stat.S_ISDIR(kind):
                folders.append(name)
            elif stat.S_ISREG(kind):
                files.append(self._file(path, name))
        snapshot = Snapshot(tuple(files), tuple(folders), tuple(links))
        self._kept.append(snapshot)
        return {name: plain(part, f"state.{name}") for name, part in asdict(snapshot).items()}

    def forget_older(self) -> None:
        """Removes from the storage what the newest two checkpoints do not need, of what this attempt has stored.

        Called after a commit: an attempt that has lost its job does not come here, and what it would remove is older
        than what another attempt resumes from.
        """
        old, self._kept = self._kept[:-2], self._kept[-2:]
        needed = {file.key for snapshot in self._kept for file in snapshot.files}
        for key in {file.key for snapshot in old for file in snapshot.files} - needed:
            if key.startswith(f"{self._prefix}/"):
                self._storage.delete(key)

    def _file(self, path: Path, name: str) -> StoredFile:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as source:
            facts = os.fstat(source.fileno())
            known = self._known.get(name)
            if known is not None and known[0] == stamp(facts):
                return known[1]
            sha256 = hashlib.file_digest(source, "sha256").hexdigest()
            key = f"{self._prefix}/{sha256}"
            put(self._storage, source, key)
        file = StoredFile(name, facts.st_size, sha256, key, stat.S_IMODE(facts.st_mode))
        self._known[name] = stamp(facts), file
        return file


def _walk(folder: Path) -> Iterator[Path]:
    """Everything below a folder, parents first, in the order of names; links are not followed."""
    for path in sorted(folder.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
