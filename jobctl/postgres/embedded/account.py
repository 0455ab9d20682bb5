"""The account that the server runs as: the current one, or, for root, a dedicated unprivileged account."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jobctl.core.errors import ConfigError
from jobctl.postgres.embedded.binaries import Binaries

DEDICATED = ("jobctl", "postgres")
"""Accounts that root uses without a setting: no other kind of daemon runs as one of them."""
SHARED = ("nobody", "nogroup", "daemon")
"""Accounts that many daemons run as: each of them could read and change every job."""
CREATE_ACCOUNT = (
    "Create one: useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin jobctl. "
    "Or set JOBCTL_DB_OS_USER to an account that nothing else runs as."
)


@dataclass(frozen=True, slots=True)
class Account:
    """The account of the server; ``user`` is None for the current account."""

    uid: int
    gid: int
    user: str | None = None

    @classmethod
    def choose(cls, environment: Mapping[str, str]) -> Account:
        """The current account; as root JOBCTL_DB_OS_USER, else ``jobctl`` or ``postgres``: Postgres refuses to run as root.

        Raises ``ConfigError`` where no such account, or names one that other daemons share.
        """
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        named = environment.get("JOBCTL_DB_OS_USER")
        if named:
            return cls._named(named)
        for name in DEDICATED:
            try:
                return cls._named(name)
            except ConfigError:
                continue
        raise ConfigError(
            "Postgres does not run as root; no account named jobctl or postgres exists",
            hint=CREATE_ACCOUNT,
        )

    @classmethod
    def _named(cls, name: str) -> Account:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            raise ConfigError(f"JOBCTL_DB_OS_USER={name}: no such account", hint=CREATE_ACCOUNT) from None
        if entry.pw_uid == 0:
            raise ConfigError(f"JOBCTL_DB_OS_USER={name}: Postgres does not run as root", hint=CREATE_ACCOUNT)
        if name in SHARED:
            raise ConfigError(
                f"JOBCTL_DB_OS_USER={name}: other daemons run as {name} and could read and change every job",
                hint=CREATE_ACCOUNT,
            )
        return cls(entry.pw_uid, entry.pw_gid, name)

    def can_reach(self, path: Path) -> bool:
        """Whether the account may enter every folder above a path and read it."""
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
        """The installation, or where the account can't reach it, a copy of it made once in the folder ``beside``.

        The copy belongs to root: the account runs it and can't change it.
        """
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
