"""Configuration files: the user's own, and a project's, which is used only where no other account can have written it."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jobctl.core.errors import ConfigError
from jobctl.core.trust import distrust
from jobctl.wiring.setting_table import DEFAULTS, SETTINGS

PROJECT_FILE = Path(".jobctl.toml")
SIZE_LIMIT = 1 << 20
"""Bytes that a configuration file may have."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something in a file that was not used. ``name`` is the setting; None: the whole file."""

    source: str
    name: str | None
    reason: str

    def __str__(self) -> str:
        return f"{self.name} in {self.source}: {self.reason}" if self.name else f"{self.source}: {self.reason}"


def read_file(path: Path) -> dict[str, object]:
    """The settings of a file that the user named, or keeps among their own. Raises ``ConfigError``."""
    try:
        return _settings(path, path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from error


def read_own_file(path: Path) -> dict[str, object]:
    """The settings of the user's own file; none where it does not exist.

    Raises ``ConfigError`` where another account can have written it: it sets where documents and keys go.
    """
    try:
        facts = path.stat()
    except OSError:
        return {}
    if not stat.S_ISREG(facts.st_mode):
        return {}
    if reason := distrust(facts, (os.geteuid(),)):
        raise ConfigError(
            f"{path} can't be trusted: {reason}",
            hint=f"chmod go-w {path}, after checking its content; or choose another file with --config.",
        )
    return read_file(path)


def read_project_file() -> tuple[dict[str, object], list[Ignored]]:
    """The settings of ``./.jobctl.toml`` that may be used, and what was ignored and why. Raises ``ConfigError``."""
    try:
        descriptor = os.open(PROJECT_FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        reason = "it is a link" if PROJECT_FILE.is_symlink() else None
        return {}, [Ignored(_name(), None, reason)] if reason else []
    try:
        if reason := _distrust_project(os.fstat(descriptor)):
            return {}, [Ignored(_name(), None, reason)]
        with open(descriptor, "rb", closefd=False) as source:
            found = _settings(PROJECT_FILE, source.read(SIZE_LIMIT + 1), project=True)
    finally:
        os.close(descriptor)
    refused = [name for name in found if not SETTINGS[name].project]
    ignored = [Ignored(_name(), name, "a project file may not set it") for name in refused]
    return {name: value for name, value in found.items() if name not in refused}, ignored


def _distrust_project(file: os.stat_result) -> str | None:
    """Why the project's file is not trusted; None when it is."""
    if not stat.S_ISREG(file.st_mode):
        return "it is not a regular file"
    if reason := distrust(file, (os.geteuid(),)):
        return reason
    reason = distrust(Path().stat(), (os.geteuid(),))
    return f"its folder: {reason}" if reason else None


def _name() -> str:
    return str(PROJECT_FILE)


def _settings(path: Path, data: bytes, *, project: bool = False) -> dict[str, object]:
    """What a file sets, checked; what a project's file may not set is not checked. Raises ``ConfigError``."""
    if len(data) > SIZE_LIMIT:
        raise ConfigError(f"{path} is larger than {SIZE_LIMIT >> 20} MiB")
    try:
        text = data.decode()
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: {error}", hint="Settings are written as: name = value") from error
    for name, value in found.items():
        where = f"{path}:{_line_of(text, name)}"
        if name not in SETTINGS:
            hint = f"{nearest(name, SETTINGS)}jobctl config show lists them"
            raise ConfigError(f"{where}: unknown setting {name!r}", hint=hint)
        if SETTINGS[name].project or not project:
            _check(where, name, value)
    return found


def _check(where: str, name: str, value: object) -> None:
    default = DEFAULTS[name]
    wanted = type(default) if default is not None else str
    accepted = (int, float) if wanted is float else wanted
    if not isinstance(value, accepted) or (isinstance(value, bool) and wanted is not bool):
        shown = (
            repr(value) if SETTINGS[name].show == "plain" else f"a {type(value).__name__}"
        )  # it may contain a password
        raise ConfigError(f"{where}: {name} should be {wanted.__name__}, not {shown}")
    if isinstance(value, list) and not all(isinstance(part, str) for part in value):
        raise ConfigError(f"{where}: {name} should be a list of strings, not {value!r}")
    if isinstance(value, dict) and isinstance(default, dict) and default:
        if not all(isinstance(part, str) for part in value.values()):
            raise ConfigError(f"{where}: {name} should be a table of texts, not {value!r}")
    elif isinstance(value, dict) and not all(_is_count(number) for number in value.values()):
        raise ConfigError(f"{where}: {name} should be a table of job types with a whole number each, not {value!r}")


def _is_count(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 0


def nearest(name: str, known: Iterable[str]) -> str:
    """``Did you mean …? `` for the known name that is nearest; empty where none is near."""
    import difflib

    near = difflib.get_close_matches(name, known, 1)
    return f"Did you mean {near[0]}? " if near else ""


def _line_of(text: str, name: str) -> int:
    """The line number of a setting, from 1."""
    lines = text.splitlines()
    pattern = re.compile(rf"""\s*\[?["']?{re.escape(name)}["']?\s*[=.\]]""")
    return next((number for number, line in enumerate(lines, 1) if pattern.match(line)), 1)
