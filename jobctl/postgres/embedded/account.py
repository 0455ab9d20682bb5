"""Running the server's programs: as ourselves, or, for root, as an account that Postgres accepts."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobctl.core.errors import ConfigError
from jobctl.postgres.embedded.binaries import Binaries


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the server; ``user`` is None when that is ourselves."""

    uid: int
    gid: int
    user: str | None = None

    @classmethod
    def choose(cls, environment: Mapping[str, str]) -> Account:
        """Ourselves; as root JOBCTL_DB_OS_USER, ``postgres`` or ``nobody``: Postgres refuses to run as root."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        wanted = environment.get("JOBCTL_DB_OS_USER")
        for name in [wanted] if wanted else ["postgres", "nobody"]:
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid, name)
        raise ConfigError(
            "Postgres does not run as root, and there is no account to run it as",
            hint="Set JOBCTL_DB_OS_USER to an ordinary account.",
        )

    def run(self, command: Sequence[str | Path], *, cwd: Path, output: Path) -> int:
        """Runs a program of the server, detached, its output added to a file. Gives the exit code.

        A file, not a pipe: the postmaster keeps what it inherits open, and a pipe would never end.
        """
        as_user: dict[str, Any] = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.user else {}
        with output.open("ab") as sink:
            done = subprocess.run(
                [str(part) for part in command],
                cwd=cwd, env=_environment(), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
                start_new_session=True, check=False, **as_user,
            )  # fmt: skip
        return done.returncode

    def own(self, path: Path) -> None:
        """Gives a file or folder of ours to the account."""
        if self.user:
            os.chown(path, self.uid, self.gid)

    def can_reach(self, path: Path) -> bool:
        """Whether the account may enter every folder above a path and read it. Nobody's home is opened for it."""
        if not self.user:
            return True
        real = path.resolve()
        return all(self._may(folder, stat.S_IXOTH, stat.S_IXGRP, stat.S_IXUSR) for folder in [real, *real.parents])

    def _may(self, path: Path, other: int, group: int, owner: int) -> bool:
        facts = path.stat()
        if facts.st_uid == self.uid:
            return bool(facts.st_mode & owner)
        return bool(facts.st_mode & (group if facts.st_gid == self.gid else other))

    def reachable(self, binaries: Binaries, beside: Path) -> Binaries:
        """The installation, or where the account can't reach it, a copy of it made once next to the data."""
        if self.can_reach(binaries.bindir / "postgres"):
            return binaries
        if binaries.package is None:
            raise ConfigError(
                f"the account {self.user} can't reach {binaries.bindir}", hint="Set JOBCTL_PG_BINDIR to one it can."
            )
        relative = binaries.bindir.relative_to(binaries.package.parent)
        size = (binaries.bindir / "postgres").stat()
        copy = beside / f"programs-{binaries.major}-{size.st_size}-{int(size.st_mtime)}"
        if not copy.is_dir():
            self._copy(binaries.package, copy)
        return Binaries(copy / relative, binaries.major, copy / binaries.package.name)

    def _copy(self, package: Path, target: Path) -> None:
        building = target.with_name(f"{target.name}.new-{os.getpid()}")
        shutil.rmtree(building, ignore_errors=True)
        for tree in (package, package.with_name(f"{package.name}.libs")):
            if tree.is_dir():
                shutil.copytree(tree, building / tree.name, symlinks=True)
        for path in [building, *building.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        building.rename(target)


def _environment() -> dict[str, str]:
    """Ours without what would divert the server's programs."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C", "PATH": os.environ.get("PATH", "/usr/bin:/bin")}
