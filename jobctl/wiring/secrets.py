"""The secrets that a worker has for its handlers: of its environment and of a file."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

from jobctl.core.errors import ConfigError
from jobctl.core.trust import distrust
from jobctl.wiring.configuration import Settings

PREFIX = "JOBCTL_SECRET_"


def secrets(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """By name: ``JOBCTL_SECRET_API_KEY`` of the environment, else ``API_KEY`` of the file. Raises ``ConfigError``."""
    file = settings.values["secrets_file"]
    found = _of_file(Path(file).expanduser()) if file else {}
    named = {name.removeprefix(PREFIX): value for name, value in environment.items() if name.startswith(PREFIX)}
    return {**found, **named}


def _of_file(path: Path) -> dict[str, str]:
    """The texts of a TOML file that only its owner can read. Errors never repeat its content."""
    try:
        facts = path.stat()
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"secrets_file {path} can't be read: {error.strerror}") from error
    reason = distrust(facts, (os.geteuid(),))
    if reason is None and facts.st_mode & (stat.S_IRGRP | stat.S_IROTH):
        reason = "other accounts can read it"
    if reason:
        raise ConfigError(f"secrets_file {path} can't be trusted: {reason}", hint=f"chmod 600 {path}")
    try:
        found = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        raise ConfigError(f"secrets_file {path} is not TOML", hint='API_KEY = "…"') from None
    if not all(isinstance(value, str) for value in found.values()):
        raise ConfigError(f"secrets_file {path}: each value must be a text", hint='API_KEY = "…"')
    return found
