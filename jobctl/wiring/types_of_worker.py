"""Which job types a worker takes: those that it was asked for, that can be loaded, and that it allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from jobctl.core.errors import ConfigError, MissingExtra
from jobctl.core.pipeline import Pipeline
from jobctl.wiring import declared
from jobctl.wiring.configuration import Settings
from jobctl.wiring.described import TypeFacts, described
from jobctl.wiring.plugins import job_types, pipeline, refused_files


def types_of_worker(
    settings: Settings, chosen: Sequence[str] | None, report: Callable[[str], None]
) -> dict[str, TypeFacts]:
    """The job types that the worker was asked to run; else those that can be loaded and that it allows."""
    if not chosen:
        loadable = _loadable_types(settings, report)
        return {name: facts for name, facts in loadable.items() if _allowed(facts, settings)}
    working, broken = described(chosen, settings)
    for error in broken.values():
        raise error
    for name, facts in working.items():
        if not _allowed(facts, settings):
            raise ConfigError(f"this worker does not allow {name} jobs", hint="jobctl worker run --allow-commands")
    return working


def _allowed(facts: TypeFacts, settings: Settings) -> bool:
    return facts.allowed_by is None or bool(settings[facts.allowed_by])


def _loadable_types(settings: Settings, report: Callable[[str], None]) -> dict[str, TypeFacts]:
    """The installed job types, without those that are broken: the others are not affected."""
    working, broken = described(job_types(settings), settings)
    for refused in refused_files(settings).values():
        report(str(refused))
    missing = {error.extra for error in broken.values() if isinstance(error, MissingExtra)}
    for extra in sorted(missing):
        names = ", ".join(n for n, error in broken.items() if isinstance(error, MissingExtra) and error.extra == extra)
        report(f"{extra} is not installed: jobs of type {names} stay pending")
    for error in broken.values():
        if not isinstance(error, MissingExtra):
            report(f"{error}; its jobs stay pending")
    return working


def known_type(texts: Mapping[str, str], name: str) -> Pipeline:
    """A job type in a child process: declared ones are those of its worker."""
    return declared.make(name, texts[name], name) if name in texts else pipeline(name)
