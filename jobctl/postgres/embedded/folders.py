"""Folders of the embedded server, and who they belong to."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from jobctl.core.errors import ConfigError


def data_folder(base: Path, major: int) -> Path:
    """The data folder of a major version."""
    return base / str(major) / "cluster"


def require_own_folder(folder: Path, uid: int) -> None:
    """Raises ``ConfigError`` unless a folder is one (no link), belongs to the account and is closed to all others."""
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != uid or facts.st_mode & 0o077:
        raise ConfigError(
            f"{folder} can't be trusted: it is not a private folder of the account that runs the database",
            hint=f"Remove {folder}, or set JOBCTL_HOME to another folder.",
        )


def is_own_folder(folder: Path) -> bool:
    """Whether ``require_own_folder`` accepts it for this account."""
    try:
        require_own_folder(folder, os.geteuid())
    except (OSError, ConfigError):
        return False
    return True
