"""Settings: flag, environment, files, default; each value with its source."""

from __future__ import annotations

import getpass
import os
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobctl.core.errors import ConfigError

DEFAULTS: dict[str, Any] = {
    "db": None,
    "storage": None,
    "input_roots": [],
    "embedding": "static",
    "enrichment": "counting",
    "judge": "none",
    "model_url": None,
    "embedding_model": "text-embedding-3-small",
    "embedding_dim": 1536,
    "chat_model": "gpt-4o-mini",
    "readwise_url": "https://readwise.io/api/v2",
    "auto_retry": True,
    "pausing": True,
    "paywall_holds": False,
    "max_retries": {},
    "keep_checkpoints_days": 7.0,
    "concurrency": 2,
    "poll": 1.0,
    "grace": 30.0,
    "cancel_grace": 10.0,
    "silent_limit": 900.0,
    "child_memory_mb": 4096,
    "child_file_size_mb": 4096,
    "child_account": None,
    "child_environment": [],
    "lease_ttl": 30.0,
    "test_fast": False,
}
"""Every setting with its default; the type of the default is the type of the setting."""


@dataclass(frozen=True)
class Settings:
    """Values, and where each came from: flag, environment, a file, default."""

    values: dict[str, Any]
    sources: dict[str, str] = field(default_factory=dict)
    home: Path = Path()
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


def home(environment: Mapping[str, str]) -> Path:
    """Where everything lives that jobctl keeps."""
    if given := environment.get("JOBCTL_HOME"):
        return Path(given).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/jobctl")
    if sys.platform == "darwin":
        return _user_home(environment) / "Library" / "Application Support" / "jobctl"
    return Path(environment.get("XDG_DATA_HOME") or _user_home(environment) / ".local" / "share") / "jobctl"


def _user_home(environment: Mapping[str, str]) -> Path:
    if environment.get("HOME"):
        return Path(environment["HOME"])
    try:
        import pwd

        return Path(pwd.getpwuid(os.geteuid()).pw_dir)
    except KeyError:
        import tempfile

        return Path(tempfile.gettempdir()) / f"jobctl-{os.geteuid()}"


def settings(flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Flag > environment (JOBCTL_…) > ./.jobctl.toml > the user's file > default. Raises ``ConfigError``."""
    environment = os.environ if environment is None else environment
    flags = {key: value for key, value in (flags or {}).items() if value is not None}
    values = dict(DEFAULTS)
    sources = dict.fromkeys(DEFAULTS, "default")
    for path in _files(flags, environment):
        for name, value in _read(path).items():
            values[name], sources[name] = value, str(path)
    for name in DEFAULTS:
        variable = f"JOBCTL_{name.upper()}"
        if name != "db" and variable in environment:
            values[name], sources[name] = _from_text(name, environment[variable], variable), variable
    for name in ("JOBCTL_DATABASE_URL", "DATABASE_URL"):
        if environment.get(name) and sources["db"] in ("default",):
            values["db"], sources["db"] = environment[name], name
    for name, value in flags.items():
        if name in DEFAULTS:
            values[name], sources[name] = value, "flag"
    return Settings(values, sources, home(environment), environment)


def _files(flags: Mapping[str, Any], environment: Mapping[str, str]) -> list[Path]:
    """Weakest first."""
    if given := flags.get("config"):
        if not Path(given).is_file():
            raise ConfigError(f"no such configuration file: {given}")
        return [Path(given)]
    base = environment.get("XDG_CONFIG_HOME")
    user = Path(base) if base else _user_home(environment) / ".config"
    candidates = [user / "jobctl" / "config.toml", Path(".jobctl.toml")]
    return [path for path in candidates if _is_file(path)]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}", hint="Settings are written as: name = value") from error
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from error
    for name, value in found.items():
        where = f"{path}:{_line_of(text, name)}"
        if name not in DEFAULTS:
            hint = f"{nearest(name, DEFAULTS)}jobctl config show lists them"
            raise ConfigError(f"{where}: there is no setting {name!r}", hint=hint)
        wanted = type(DEFAULTS[name]) if DEFAULTS[name] is not None else str
        if not isinstance(value, (int, float) if wanted is float else wanted):
            raise ConfigError(f"{where}: {name} should be {wanted.__name__}, not {value!r}")
        if isinstance(value, dict) and not all(isinstance(number, int) and number >= 0 for number in value.values()):
            raise ConfigError(f"{where}: {name} should give a whole number for each job type, not {value!r}")
    return found


def nearest(name: str, known: Iterable[str]) -> str:
    """``Did you mean …? `` for the known name that is nearest; empty where none is near."""
    import difflib

    near = difflib.get_close_matches(name, known, 1)
    return f"Did you mean {near[0]}? " if near else ""


def _line_of(text: str, name: str) -> int:
    """The line on which a setting stands, from 1."""
    lines = text.splitlines()
    pattern = re.compile(rf"""\s*\[?["']?{re.escape(name)}["']?\s*[=.\]]""")
    return next((number for number, line in enumerate(lines, 1) if pattern.match(line)), 1)


def _from_text(name: str, text: str, variable: str) -> Any:
    default = DEFAULTS[name]
    try:
        if isinstance(default, bool):
            return {
                "1": True,
                "true": True,
                "yes": True,
                "on": True,
                "0": False,
                "false": False,
                "no": False,
                "off": False,
            }[text.lower()]
        if isinstance(default, (int, float)):
            return type(default)(text)
        if isinstance(default, dict):
            return {key: int(number) for key, number in (part.split("=") for part in text.split(",") if part)}
    except (KeyError, ValueError):
        raise ConfigError(f"{variable}={text!r} is not a {type(default).__name__}") from None
    return text.split(os.pathsep) if isinstance(default, list) else text


def user(environment: Mapping[str, str]) -> str:
    """Who submits, for the history."""
    try:
        return environment.get("JOBCTL_USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid:{os.geteuid()}"


def shown(name: str, value: Any) -> Any:
    """A setting's value as it may be printed."""
    if name != "db" or not value:
        return value
    from jobctl.postgres.connect import mask

    return mask(value)
