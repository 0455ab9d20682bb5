"""Worker processes: the supervisor, its children, and the one behind ``submit --run``."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from jobctl import __version__
from jobctl.client import Options, new_job
from jobctl.core.errors import ConfigError, MissingExtra
from jobctl.core.job import NewJob
from jobctl.core.pipeline import Pipeline
from jobctl.wiring import declared
from jobctl.wiring.configuration import Settings
from jobctl.wiring.databases import Database
from jobctl.wiring.plugins import pipeline, pipelines, plugin, storage

START_PATIENCE = 10.0
"""Seconds that a worker waits for its database when it starts."""
SHORTEST_LEASE = 0.5
"""Seconds: six beats a lease must find the time to be sent and answered."""
WORKER_PATIENCE = 1.0
"""Seconds that a worker waits for another process that brings the embedded server up: it has leases to look after."""


@dataclass(frozen=True)
class WorkerOptions:
    """How ``worker run`` was asked to work; None: as configured."""

    concurrency: int | None = None
    queues: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    drain: bool = False
    once: bool = False
    max_jobs: int | None = None
    poll: float | None = None
    listen: bool = True
    grace: float | None = None
    name: str | None = None
    input_roots: tuple[str, ...] = ()
    only: tuple[int, ...] = ()
    allow_commands: bool = False
    metrics: tuple[str, int] | None = None
    """Host and port on which to show what was done."""


def run_worker(held: Settings, options: WorkerOptions, *, say: Callable[[str], None] = lambda _: None) -> int:
    """Runs a supervisor in this process until it ends; returns the number of jobs settled."""
    from jobctl.postgres.listener import Listener
    from jobctl.postgres.retry_until import retry_until_available
    from jobctl.worker.config import WorkerConfig
    from jobctl.worker.limits import StageTimer
    from jobctl.worker.metrics import Metrics
    from jobctl.worker.supervisor import Supervisor
    from jobctl.worker.sweeper import Sweeper

    if float(held["lease_ttl"]) < SHORTEST_LEASE:
        raise ConfigError(
            f"lease_ttl is {held['lease_ttl']:g} s; no beat would come in time",
            hint=f"at least {SHORTEST_LEASE:g}; 30 is usual",
        )
    place = Database(held, say, timeout=WORKER_PATIENCE)
    queue = place.leases("jobctl worker", ttl=float(held["lease_ttl"]))
    if options.allow_commands:
        held = replace(held, values={**held.values, "allow_commands": True})
    loaded = _loaded(held, options.types, say)
    types = tuple(loaded)
    host = socket.gethostname()
    config = WorkerConfig(
        name=options.name or f"{host}-{os.getpid()}", host=host, pid=os.getpid(), version=__version__, types=types,
        queues=options.queues, concurrency=options.concurrency or int(held["concurrency"]),
        poll=options.poll or float(held["poll"]), grace=options.grace if options.grace is not None else float(held["grace"]),
        cancel_grace=float(held["cancel_grace"]), silent_limit=float(held["silent_limit"]), drain=options.drain, once=options.once, max_jobs=options.max_jobs,
        auto_retry=bool(held["auto_retry"]), paywall_holds=bool(held["paywall_holds"]), only=frozenset(options.only) if options.only else None,
    )  # fmt: skip
    roots = [str(Path(root).resolve()) for root in [*held["input_roots"], *options.input_roots]]
    pool = _child_pool(held, place, queue, types, roots)
    listen = partial(Listener, partial(place.connect, "jobctl worker")) if options.listen else None
    metrics = Metrics()
    if options.metrics is not None:
        port = metrics.serve(*options.metrics, version=__version__, worker=config.name)
        say(f"metrics: http://{options.metrics[0]}:{port}/metrics")
    sweeper = Sweeper(queue, auto_retry=config.auto_retry)
    timer = StageTimer(
        {name: loaded[name].stages for name in types},
        timeout=float(held["stage_timeout"]), cpu=float(held["stage_cpu"]),
    )  # fmt: skip
    supervisor = Supervisor(config, queue, sweeper, pool, timer=timer, listen=listen, metrics=metrics)
    retry_until_available(supervisor.register, seconds=START_PATIENCE)
    settled = supervisor.run()
    if pool.start_failure is not None:
        raise ConfigError(
            f"no child process is able to start: it was {pool.start_failure.reason}",
            hint=pool.start_failure.stderr[-400:] or None,
        )
    return settled


def _child_pool(settings: Settings, database: Database, queue: Any, types: Sequence[str], roots: list[str]) -> Any:
    """The pool, which asks for the connection of the worker when it starts its first child."""
    from jobctl.wiring.confinement import child_environment, setup_for
    from jobctl.worker.children import ChildPool

    environment = child_environment(settings, settings.environment, types)
    setup = {
        "home": str(settings.home), "roots": roots, "set_by_child": environment.set_by_child,
        "plugins": environment.plugins, "by_type": environment.by_type, "declared": declared.texts(settings, types),
    }  # fmt: skip

    confined = cache(partial(_confinement, settings, roots=tuple(roots)))

    def setup_of(workspace: Path) -> dict[str, Any]:
        # a child gets the parameters of the connection: it may be frozen at any moment, so it must never be the one that
        # starts the embedded server, holding the lock on that, and it has no PG… variables and no password file
        info = _child_conninfo(database, queue)
        return setup_for({**setup, "values": {**settings.values, "db": info}}, confined(info), workspace)

    command = (
        f"from jobctl.worker.guardian import start; g = start({os.getpid()}); from jobctl.wiring import run_child; "
    )
    return ChildPool(
        lambda channel, setup: [*_python(), "-c", f"{command}run_child({channel}, {setup}, g)"],
        setup=setup_of, environment=environment.at_start,
    )  # fmt: skip


def _python() -> list[str]:
    """This interpreter; what lies in the working folder is code for it only where that is so for this process too."""
    try:
        here = str(Path.cwd())
    except OSError:  # it was deleted: nothing lies there
        here = ""
    return [sys.executable] if {"", here} & set(sys.path) else [sys.executable, "-P"]


def _child_conninfo(database: Database, queue: Any) -> str:
    from jobctl.postgres.credentials import resolved

    return str(database.server.conninfo()) if database.url is None else resolved(queue.connection)


def _confinement(settings: Settings, info: str, roots: Sequence[str]) -> Any:
    from jobctl.postgres.connect import connect, socket_folders
    from jobctl.wiring.confinement import confinement

    sockets = socket_folders(info)

    def check() -> None:
        if sockets:  # where the server asks the kernel who is there
            connect(info).close()

    return confinement(settings, roots, sockets=sockets, check=check)


def _loaded(settings: Settings, wanted: Sequence[str] | None, say: Callable[[str], None]) -> dict[str, Pipeline]:
    """The job types that this worker takes: those that are wanted, or all that are usable and allowed."""
    if wanted is None:
        usable = _usable(settings, say)
        return {name: known for name, known in usable.items() if _allowed(known, settings)}
    found = {name: pipeline(name, settings) for name in wanted}
    for name, known in found.items():
        if not _allowed(known, settings):
            raise ConfigError(f"this worker does not allow {name} jobs", hint="jobctl worker run --allow-commands")
    return found


def _allowed(known: Pipeline, settings: Settings) -> bool:
    return known.allowed_by is None or bool(settings[known.allowed_by])


def _usable(settings: Settings, say: Callable[[str], None]) -> dict[str, Pipeline]:
    """The job types without those that are broken: they stop nobody else's work."""
    working, broken = pipelines(settings)
    missing = {error.extra for error in broken.values() if isinstance(error, MissingExtra)}
    for extra in sorted(missing):
        names = ", ".join(n for n, error in broken.items() if isinstance(error, MissingExtra) and error.extra == extra)
        say(f"{extra} is not installed: jobs of type {names} wait")
    for error in broken.values():
        if not isinstance(error, MissingExtra):
            say(f"{error}; its jobs wait")
    return working


def run_child(channel: int, setup: int, guardian: int) -> None:
    """The whole of a child process. The numbers are of inherited descriptors, and of its parent."""
    from jobctl.worker.sandbox import Confinement, channel_from, confine, receive_setup

    received = receive_setup(setup)
    confinement = Confinement.from_json(received["confinement"])
    confine(confinement, guardian=guardian)
    os.environ.update(received["set_by_child"])
    if confinement.account is not None:
        os.environ["HOME"] = os.environ["TMPDIR"]  # the worker's own is not this account's
    _run_child(channel_from(channel), received)


def _run_child(channel: Any, received: Mapping[str, Any]) -> None:
    import tempfile

    from jobctl.postgres.leases import Leases
    from jobctl.postgres.library import Libraries
    from jobctl.wiring.confinement import TypeEnvironment
    from jobctl.worker.child import Child
    from jobctl.worker.context import Services

    held = Settings(received["values"], {}, Path(received["home"]), received["plugins"])
    database = Database(held, lambda _: None, starts=False)
    queue = Leases(partial(database.connect, "jobctl worker child"), ttl=float(held["lease_ttl"]))
    libraries = Libraries()
    types = TypeEnvironment(received["by_type"])
    loaded = cache(partial(_known, received["declared"]))

    def load(job_type: str) -> Pipeline:
        types.enter(job_type)
        return loaded(job_type)

    with tempfile.TemporaryDirectory() as workspace:  # in the folder that our supervisor made for us, and removes
        services = Services(
            storage=storage(held), library=libraries, reader=lambda: libraries(queue.connection), load=load,
            request=partial(request, held, load=loaded), workspace=Path(workspace), input_roots=tuple(Path(root) for root in received["roots"]),
            settings=held.values, plugin=partial(plugin, held, {}), auto_retry=bool(held["auto_retry"]),
        )  # fmt: skip
        Child(channel, services, queue).run()


def _known(texts: Mapping[str, str], name: str) -> Pipeline:
    """A job type in a child process: declared ones are those of its worker."""
    return declared.make(name, texts[name], name) if name in texts else pipeline(name)


def request(
    held: Settings, job_type: str, args: Mapping[str, Any], *, created_by: str,
    load: Callable[[str], Pipeline] = pipeline, **options: Any,
) -> NewJob:  # fmt: skip
    """A validated follow-up job."""
    return new_job(load(job_type), args, Options(**options), created_by=created_by, retries=held["max_retries"])


def run_here(held: Settings, ids: Sequence[int], *, say: Callable[[str], None] = lambda _: None) -> Any:
    """Starts a worker for the given jobs and what they submit, as a child process; returns the process."""
    import subprocess

    from jobctl.worker.sandbox import send_setup

    place = Database(held, say)
    place.info()
    allowed = {"allow_commands": True, "command_environment": ["*"]}  # who submits and who runs are one here
    setup = send_setup(
        {"values": {**held.values, **allowed}, "home": str(held.home), "ids": list(ids), "roots": [str(Path.cwd())]}
    )
    try:
        return subprocess.Popen(
            [*_python(), "-c", "from jobctl.wiring import work_here; work_here()"],
            stdin=setup, start_new_session=True,
        )  # fmt: skip
    finally:
        os.close(setup)


def work_here() -> None:
    """The process behind ``submit --run``; what it is to do is in the file that is its stdin."""
    from jobctl.worker.sandbox import receive_setup

    received = receive_setup(os.dup(0))
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a device
        os.dup2(nothing.fileno(), 0)
    held = Settings(received["values"], {}, Path(received["home"]))
    run_worker(held, WorkerOptions(only=tuple(received["ids"]), input_roots=tuple(received["roots"])))
