"""The folders of one stage: its working folder, its state folder, the file in which it reports progress."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

from jobctl.core.ports import Context
from jobctl.programs.directives import Amount, amount
from jobctl.programs.files import StoredFile, copy_in, fetch
from jobctl.programs.state import StateFolder

PROGRESS_CAP = 4_096
"""Bytes at the end of the progress file that are read."""


class Workspace:
    """Folders that are removed when the stage ends; whoever is killed, the worker removes them."""

    def __init__(self, ctx: Context, name: str) -> None:
        root = ctx.workspace / f"program-{name}"
        shutil.rmtree(root, ignore_errors=True)
        self._root = root
        self.folder = root / "work"
        self.folder.mkdir(parents=True)
        self.state = StateFolder(root / "state", ctx.storage, ctx.job_id, ctx.attempt)
        self._progress = root / "progress"
        self._seen = ""
        self.variables: Mapping[str, str] = {
            "JOBCTL_JOB_ID": str(ctx.job_id), "JOBCTL_ATTEMPT": str(ctx.attempt), "JOBCTL_WORKSPACE": str(self.folder),
            "JOBCTL_STATE_DIR": str(self.state.path), "JOBCTL_PROGRESS": str(self._progress),
        }  # fmt: skip

    def take_in(self, ctx: Context, name: str, path: str) -> None:
        """Places an input of the job under a name in the working folder."""
        copy_in(ctx.open(path), self.folder / name)

    def bring_back(self, ctx: Context, file: StoredFile) -> None:
        """Places a stored output of an earlier stage; one of the same name is replaced."""
        target = self.folder / file.name
        target.unlink(missing_ok=True)
        fetch(ctx.storage, file, target, scratch=self._root)

    def progress(self) -> Amount | None:
        """What the program has written to its progress file since the last call."""
        text = ""
        with suppress(OSError), self._progress.open("rb") as source:
            source.seek(max(0, source.seek(0, 2) - PROGRESS_CAP))
            text = source.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
        if text == self._seen:
            return None
        self._seen = text
        return amount(text.removeprefix("::progress ").removesuffix("::"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._root, ignore_errors=True)
