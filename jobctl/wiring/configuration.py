"""Settings: flag, environment, files, default; each value with its source."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from jobctl.core.errors import ConfigError
from jobctl.core.masking import MASK, mask_url
from jobctl.core.trust import HOME_HINT, require_private
from jobctl.system.environment import variables
from jobctl.wiring.files import PROJECT_FILE, Ignored, nearest, read_file, read_own_file, read_project_file
from jobctl.wiring.setting_table import DEFAULTS, SETTINGS, SettingValues

__all__ = ["DEFAULTS", "Ignored", "Settings", "display_value", "home", "nearest", "settings", "user"]


@dataclass(frozen=True)
class Settings:
    """Values, and where each came from: flag, environment, a file, default."""

    values: SettingValues
    sources: dict[str, str] = field(default_factory=dict)
    home: Path = Path()
    environment: Mapping[str, str] = field(default_factory=lambda: variables, repr=False)
    ignored: tuple[Ignored, ...] = ()
    """Settings in files that were not used."""

    def __getitem__(self, name: str) -> object:
        """A value by a name that is not known before; ``values`` has the types."""
        return cast("dict[str, object]", self.values)[name]


def home(environment: Mapping[str, str]) -> Path:
    """The folder of everything that jobctl stores."""
    if folder := environment.get("JOBCTL_HOME"):
        return Path(folder).absolute()
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


def settings(flags: Mapping[str, object] | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Flag > environment (JOBCTL_…) > ./.jobctl.toml > the user's file > default. Raises ``ConfigError``."""
    environment = variables if environment is None else environment
    flags = {key: value for key, value in (flags or {}).items() if value is not None}
    values, sources = dict(DEFAULTS), dict.fromkeys(DEFAULTS, "default")

    def use(found: Mapping[str, object], source: str) -> None:
        values.update(found)
        sources.update(dict.fromkeys(found, source))

    ignored: list[Ignored] = []
    if named := cast("str | None", flags.get("config")):
        if not Path(named).is_file():
            raise ConfigError(f"no such configuration file: {named}")
        use(read_file(Path(named)), str(named))
    else:
        own_file = _own_file(environment)
        use(read_own_file(own_file), str(own_file))
        found, ignored = read_project_file()
        use(found, str(PROJECT_FILE))
    for name in DEFAULTS:
        variable = f"JOBCTL_{name.upper()}"
        if SETTINGS[name].only_files and variable in environment:
            ignored.append(Ignored(variable, None, f"only your own settings file may set {name}"))
        elif name != "db" and variable in environment:
            use({name: _from_text(name, environment[variable], variable)}, variable)
    for variable in ("JOBCTL_DATABASE_URL", "DATABASE_URL"):
        if environment.get(variable) and sources["db"] == "default":
            use({"db": environment[variable]}, variable)
    use({name: value for name, value in flags.items() if name in DEFAULTS}, "flag")
    root = home(environment)
    require_private(root, "JOBCTL_HOME", hint=HOME_HINT)
    return Settings(cast("SettingValues", values), sources, root, environment, tuple(ignored))


def _own_file(environment: Mapping[str, str]) -> Path:
    base = environment.get("XDG_CONFIG_HOME")
    return (Path(base) if base else _user_home(environment) / ".config") / "jobctl" / "config.toml"


def _from_text(name: str, text: str, variable: str) -> object:
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
            convert = _part_type(default)
            return {key: convert(value) for key, value in (part.split("=") for part in text.split(",") if part)}
    except (KeyError, ValueError):
        raise ConfigError(f"{variable}={text!r} is not a {type(default).__name__}") from None
    return text.split(os.pathsep) if isinstance(default, list) else text


def _part_type(default: Mapping[str, object]) -> type[int | str]:
    """The type of the values of a table: that of its defaults; without any they are whole numbers."""
    return str if any(isinstance(value, str) for value in default.values()) else int


def user(environment: Mapping[str, str]) -> str:
    """The name of the submitter, for the history."""
    try:
        return environment.get("JOBCTL_USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid:{os.geteuid()}"


def display_value(name: str, value: object) -> object:
    """A setting's value as it may be printed."""
    if not value or SETTINGS[name].show == "plain":
        return value
    if SETTINGS[name].show == "secret":
        return MASK
    if SETTINGS[name].show == "url":
        return mask_url(str(value))
    from jobctl.postgres.connect import mask

    return mask(str(value))
