"""Job types declared in files of the worker: found, trusted, read."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterable
from pathlib import Path

from jobctl.core.errors import ConfigError
from jobctl.core.pipeline import Pipeline
from jobctl.core.trust import distrust, require_private
from jobctl.wiring.configuration import Settings

SUFFIX = ".jobtype.toml"
FOLDER = "types"
SIZE_LIMIT = 1 << 20
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def folder(settings: Settings) -> Path:
    """Where the files are: the setting ``job_types``, or ``types`` in JOBCTL_HOME."""
    return Path(settings.values["job_types"] or settings.home / FOLDER).expanduser()


def find(settings: Settings) -> dict[str, Path]:
    """The declared job types; none is read. Raises ``ConfigError`` where others can write to the folder."""
    place = folder(settings)
    require_private(place, "the folder of job types", hint="chmod go-w, after checking the files in it.")
    try:
        found = sorted(path for path in place.iterdir() if path.name.endswith(SUFFIX))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"the folder of job types {place} cannot be read: {error.strerror}") from error
    return {path.name.removesuffix(SUFFIX): path for path in found}


def refused(settings: Settings, installed: Collection[str]) -> dict[str, ConfigError]:
    """What is wrong with the folder, or with the names in it, by file."""
    try:
        files = find(settings)
    except ConfigError as error:
        return {str(folder(settings)): error}
    return {
        path.name: ConfigError(f"{path}: an installed job type has this name", hint="Rename the file.")
        for name, path in files.items()
        if name in installed
    }


def texts(settings: Settings, names: Iterable[str]) -> dict[str, str]:
    """The definitions of those job types that are declared, for child processes: they may not read the files."""
    files = find(settings)
    return {name: read(name, files[name]) for name in names if name in files}


def read(name: str, path: Path) -> str:
    """The text of a definition. Raises ``ConfigError`` where another account can have written it."""
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{path}: {name!r} is not the name of a job type", hint="Lower-case letters, digits, _ and -")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as source:
            facts = os.fstat(descriptor)
            reason = distrust(facts, (os.geteuid(),)) if stat.S_ISREG(facts.st_mode) else "it is not a regular file"
            if reason:
                raise ConfigError(f"{path} can't be trusted: {reason}", hint=f"chmod go-w {path}, after checking it.")
            data = source.read(SIZE_LIMIT + 1)
        if len(data) > SIZE_LIMIT:
            raise ConfigError(f"{path} is larger than {SIZE_LIMIT >> 20} MiB")
        return data.decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not valid UTF-8"
        raise ConfigError(f"{path} cannot be read: {reason}") from error


def make(name: str, text: str, where: str) -> Pipeline:
    """The pipeline of a definition. Raises ``ConfigError`` with every problem in it."""
    from jobctl.handlers.declared import build

    try:
        return build(name, text)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{where}: {_problems(error)}", hint="docs/PROGRAMS.md describes the file.") from error


def _problems(error: Exception) -> str:
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    listed = [
        f"{'.'.join(map(str, item['loc']))}: {item['msg'].removeprefix('Value error, ')}".removeprefix(": ")
        for item in error.errors()
    ]
    return "; ".join(listed)
