"""Job types as a supervisor needs them: their stages and limits, without the code of their handlers in its memory."""

from __future__ import annotations

import os
from collections.abc import Iterable

import msgspec

from jobctl.core.errors import JobctlError
from jobctl.core.pipeline import Limits, Pipeline
from jobctl.wiring.configuration import Settings
from jobctl.wiring.plugins import pipeline


class StageFacts(msgspec.Struct, frozen=True):
    """A stage by its name, and how long it may run."""

    name: str
    limits: Limits


class TypeFacts(msgspec.Struct, frozen=True):
    """The stages of a job type in order, the variables that its handlers read, the setting that allows it, its delays,
    and its limits.
    """

    stages: tuple[StageFacts, ...]
    environment: tuple[str, ...]
    allowed_by: str | None = None
    delays: tuple[float, ...] = ()
    max_running: int | None = None
    rate: float | None = None


def described(
    names: Iterable[str], settings: Settings | None = None
) -> tuple[dict[str, TypeFacts], dict[str, JobctlError]]:
    """The job types by name: those that work, and why the others can't be loaded.

    They are loaded in a forked process. This one loads only what that could not, for the error.
    """
    asked = list(names)
    working, broken = _described_in_fork(asked, settings), {}
    for name in asked:
        if name not in working:
            try:
                working[name] = _facts(_load(name, settings))
            except JobctlError as error:
                broken[name] = error
    return {name: working[name] for name in asked if name in working}, broken


def _load(name: str, settings: Settings | None) -> Pipeline:
    return pipeline(name, settings) if settings else pipeline(name)


def _facts(loaded: Pipeline) -> TypeFacts:
    stages = tuple(StageFacts(stage.name, stage.limits) for stage in loaded.stages)
    return TypeFacts(
        stages, tuple(loaded.environment), loaded.allowed_by, loaded.retry.delays, loaded.max_running, loaded.rate
    )


def _described_in_fork(names: Iterable[str], settings: Settings | None) -> dict[str, TypeFacts]:
    """Those that can be loaded; none where the forked process did not come to its end."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _describe_and_exit(names, settings, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        encoded = answer.read()
    os.waitpid(pid, 0)
    try:
        return msgspec.msgpack.decode(encoded, type=dict[str, TypeFacts])
    except msgspec.DecodeError:
        return {}


def _describe_and_exit(names: Iterable[str], settings: Settings | None, writing: int) -> None:
    """The forked process: whatever a package does while it is loaded, nothing of ours runs after it."""
    try:
        found: dict[str, TypeFacts] = {}
        for name in names:
            try:
                found[name] = _facts(_load(name, settings))
            except JobctlError:
                continue
        with os.fdopen(writing, "wb") as answer:
            answer.write(msgspec.msgpack.encode(found))
    finally:
        os._exit(0)
