"""Whether others may have changed a file or folder: by its owner and mode."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Collection

from jobctl.core.errors import ConfigError

HOME_HINT = "chmod go-w, if the folder is yours; else set JOBCTL_HOME to one of your own."
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def distrust(facts: os.stat_result, owners: Collection[int]) -> str | None:
    """Why a file or folder can't be trusted; None when it can. Root is always a trusted owner."""
    if facts.st_uid != 0 and facts.st_uid not in owners:
        return f"it belongs to {account_name(facts.st_uid)}"
    if facts.st_mode & OTHERS_WRITE:
        return "other accounts can write to it"
    return None


def require_private(path: str | os.PathLike[str], what: str, *, hint: str) -> None:
    """Raises ``ConfigError`` where a folder belongs to another account or can be written by one.

    A folder that does not exist yet, or can't be inspected, is left to the caller.
    """
    try:
        facts = os.stat(path)  # noqa: PTH116 - a link in the path is the user's choice; what it leads to counts
    except OSError:
        return
    if reason := distrust(facts, (os.geteuid(),)):
        raise ConfigError(f"{what} {os.fspath(path)} can't be trusted: {reason}", hint=hint)


def account_name(uid: int) -> str:
    """``alice (uid 1000)``, or ``uid 1000`` where the account has no name."""
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"
