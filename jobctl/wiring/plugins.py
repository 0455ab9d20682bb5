"""What comes in by entry points: job types, storages, engines. Loaded on first use; the built-in ones use the same groups."""

from __future__ import annotations

from typing import Any

from jobctl.core.errors import ConfigError, UnknownJobType
from jobctl.core.pipeline import Pipeline
from jobctl.wiring.configuration import Settings, nearest
from jobctl.wiring.extras import require_extras

CHOSEN_BY = {"embedder": "embedding", "enricher": "enrichment", "judge": "judge"}
"""Kind of plug-in → the setting that names the one to use."""


def _entries(group: str) -> dict[str, Any]:
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=f"jobctl.{group}")}


def pipeline(name: str) -> Pipeline:
    """The pipeline of a job type. Raises ``UnknownJobType`` with the nearest name, ``ConfigError`` when it can't be loaded."""
    entries = _entries("pipelines")
    if name not in entries:
        raise UnknownJobType(f"unknown job type: {name}", hint=f"{nearest(name, entries)}jobctl types lists them")
    require_extras(entries[name])
    try:
        loaded = entries[name].load()
    except Exception as error:
        where = f"{type(error).__name__}: {error}"
        raise ConfigError(
            f"the job type {name} can't be loaded: {where}", hint="Fix or uninstall the package."
        ) from error
    if not isinstance(loaded, Pipeline):
        raise ConfigError(f"the entry point {name} is not a Pipeline")
    return loaded


def job_types() -> list[str]:
    """The names of the installed job types; none is loaded."""
    return sorted(_entries("pipelines"))


def pipelines() -> tuple[dict[str, Pipeline], dict[str, ConfigError]]:
    """The installed job types by name: those that work, and why the others can't be loaded."""
    working: dict[str, Pipeline] = {}
    broken: dict[str, ConfigError] = {}
    for name in job_types():
        try:
            working[name] = pipeline(name)
        except ConfigError as error:
            broken[name] = error
    return working, broken


def plugin(settings: Settings, cache: dict[tuple[str, str], Any], kind: str, name: str | None) -> Any:
    """A plug-in of a kind, made once: ``embedder``, ``enricher`` and ``judge`` as configured, the others by name.

    A class that needs settings has ``configured(settings, environment)``; the others are called without arguments.
    """
    chosen = name or str(settings[CHOSEN_BY[kind]])
    if chosen == "none":
        return None
    if (kind, chosen) not in cache:
        make = _loaded(kind, f"{kind}s", chosen)
        made = make.configured(settings.values, settings.environment) if hasattr(make, "configured") else make()
        cache[kind, chosen] = made
    return cache[kind, chosen]


def _loaded(kind: str, group: str, name: str) -> Any:
    """What an entry point names. Raises ``ConfigError`` with the nearest way to install it."""
    entries = _entries(group)
    if name not in entries:
        raise ConfigError(f"no {kind} named {name!r}", hint=f"one of: {', '.join(sorted(entries))}")
    require_extras(entries[name])
    try:
        return entries[name].load()
    except ImportError as error:
        raise ConfigError(
            f"the {kind} {name} can't be loaded: {error}", hint="Fix or uninstall the package."
        ) from error


def storage_location(settings: Settings) -> str:
    """The storage by its name: a folder, or ``SCHEME://…``."""
    return str(settings.values["storage"] or settings.home / "storage")


def storage(settings: Settings) -> Any:
    """Where the storage is: a folder, or ``SCHEME://…`` of a storage that was plugged in."""
    where = storage_location(settings)
    scheme, named, _ = where.partition("://")
    return _loaded("storage", "storage", scheme if named else "local")(where)
