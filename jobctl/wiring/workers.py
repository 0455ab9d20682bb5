"""Worker processes: the supervisor, its children, and the one behind ``submit --run``."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from jobctl import __version__
from jobctl.core.errors import ConfigError, SchemaMismatch
from jobctl.core.limits import Limit
from jobctl.wiring import declared, tracing
from jobctl.wiring.configuration import Settings
from jobctl.wiring.databases import Database
from jobctl.wiring.described import TypeFacts
from jobctl.wiring.identity import StorageProver
from jobctl.wiring.notifying import LINGER, LINGER_STOPPED, for_children, notifier
from jobctl.wiring.retaining import retention
from jobctl.wiring.secrets import secrets
from jobctl.wiring.types_of_worker import types_of_worker

if TYPE_CHECKING:  # each command loads what it needs
    from subprocess import Popen

    from jobctl.postgres.leases import Leases
    from jobctl.worker.children import ChildPool
    from jobctl.worker.config import WorkerConfig
    from jobctl.worker.metrics import Metrics
    from jobctl.worker.sandbox import Confinement
    from jobctl.worker.storage_watch import StorageWatch
    from jobctl.worker.sweeper import Sweeper

START_TIMEOUT = 10.0
"""Seconds that a worker waits for its database when it starts."""
SHORTEST_LEASE = 0.5
"""Seconds: six heartbeats per lease have to be sent and answered."""
CHILD_LINGER = 1.0
"""Seconds that idle child processes get to end by themselves when the worker ends: what a handler's libraries registered with
``atexit`` runs."""
SERVER_TIMEOUT = 1.0
"""Seconds that a worker waits for another process that starts the embedded server: it has leases to renew."""


@dataclass(frozen=True)
class WorkerOptions:
    """Options of ``worker run``; None: as configured."""

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
    """Host and port that serve metrics."""


def run_worker(settings: Settings, options: WorkerOptions, *, report: Callable[[str], None] = lambda _: None) -> int:
    """Runs a supervisor in this process until it ends; returns the number of jobs settled."""
    from jobctl.postgres.listener import Listener
    from jobctl.postgres.retry_until import retry_until_available
    from jobctl.worker.limits import StageTimer
    from jobctl.worker.supervisor import Supervisor
    from jobctl.worker.sweeper import Sweeper

    settings = _with_options(settings, options)
    database = Database(settings, report, timeout=SERVER_TIMEOUT, newer=True)
    queue = database.leases("jobctl worker", ttl=settings.values["lease_ttl"])
    types = types_of_worker(settings, options.types, report)
    config = _worker_config(settings, options, types)
    roots = [str(Path(root).resolve()) for root in [*settings.values["input_roots"], *options.input_roots]]
    pool = _child_pool(settings, database, queue, types, roots, report)
    listen = partial(Listener, partial(database.connect, "jobctl worker")) if options.listen else None
    metrics = _metrics(options, config.name, report)
    notifications = notifier(settings)
    removal = retention(settings)
    sweeper = Sweeper(
        queue, auto_retry=config.auto_retry, notifications_due=notifications.due, retention_due=removal.due,
        outdated=lambda: supervisor.shutdown.request_once(),
    )  # fmt: skip
    timer = StageTimer(
        {name: facts.stages for name, facts in types.items()},
        timeout=settings.values["stage_timeout"],
        cpu=settings.values["stage_cpu"],
    )
    supervisor = Supervisor(
        config, queue, sweeper, pool, _storage_watch(settings, database), timer=timer, metrics=metrics,
        listen=listen, on_settled=lambda end: notifications.ended(end.id, notify=end.notify),
    )  # fmt: skip
    retry_until_available(supervisor.register, seconds=START_TIMEOUT)
    try:
        settled = supervisor.run()
    finally:
        removal.close()
        notifications.close(LINGER_STOPPED if supervisor.shutdown.requested else LINGER)
    _require_good_end(pool, sweeper)
    return settled


def _require_good_end(pool: ChildPool, sweeper: Sweeper) -> None:
    """Raises ``ConfigError`` where the worker has stopped because it can't work here."""
    if sweeper.outdated:
        raise SchemaMismatch(
            "the database's schema was upgraded beyond this jobctl; the worker has released its jobs",
            hint="Upgrade jobctl, then start the worker again.",
        )
    if pool.start_failure is not None:
        raise ConfigError(
            f"no child process is able to start: it was {pool.start_failure.reason}",
            hint=pool.start_failure.stderr[-400:] or None,
        )


def _metrics(options: WorkerOptions, name: str, report: Callable[[str], None]) -> Metrics:
    """The figures of the worker, served over HTTP where that is asked for."""
    from jobctl.system.pages import page_url
    from jobctl.worker.metrics import Metrics

    metrics = Metrics()
    if options.metrics is not None:
        port = metrics.serve(*options.metrics, version=__version__, worker=name)
        report(f"metrics: {page_url(options.metrics[0], port, '/metrics')}")
    return metrics


def _storage_watch(settings: Settings, database: Database) -> StorageWatch:
    from jobctl.postgres.queue import Queue
    from jobctl.worker.storage_watch import StorageWatch

    queue = Queue(partial(replace(database, starts=False).connect, "jobctl worker storage"))
    return StorageWatch(StorageProver(settings, queue))


def _with_options(settings: Settings, options: WorkerOptions) -> Settings:
    if not options.allow_commands:
        return settings
    return replace(settings, values={**settings.values, "allow_commands": True})


def _worker_config(settings: Settings, options: WorkerOptions, types: Mapping[str, TypeFacts]) -> WorkerConfig:
    """The options, and the settings where an option is not set. Raises ``ConfigError``."""
    from jobctl.worker.config import WorkerConfig

    host, values = socket.gethostname(), settings.values
    if values["lease_ttl"] < SHORTEST_LEASE:
        raise ConfigError(
            f"lease_ttl is {values['lease_ttl']:g} s; no heartbeat would arrive in time",
            hint=f"at least {SHORTEST_LEASE:g}; 30 is usual",
        )
    return WorkerConfig(
        name=worker_name(options.name), host=host, pid=os.getpid(), version=__version__,
        types=tuple(types), queues=options.queues, drain=options.drain, once=options.once, max_jobs=options.max_jobs,
        only=frozenset(options.only) if options.only else None,
        concurrency=options.concurrency or values["concurrency"], poll=options.poll or values["poll"],
        grace=values["grace"] if options.grace is None else options.grace, cancel_grace=values["cancel_grace"],
        silent_limit=values["silent_limit"], auto_retry=values["auto_retry"], paywall_holds=values["paywall_holds"],
        delays={name: facts.delays for name, facts in types.items() if facts.delays},
        declared={
            name: Limit("type", name, facts.max_running, facts.rate, declared=True)
            for name, facts in types.items() if facts.max_running or facts.rate
        },
        priority_age=values["priority_age"],
    )  # fmt: skip


def worker_name(given: str | None) -> str:
    """The name of a worker in this process: of its machine and its number there, unless it is given one."""
    return given or f"{socket.gethostname()}-{os.getpid()}"


def _child_pool(
    settings: Settings, database: Database, queue: Leases, types: Mapping[str, TypeFacts], roots: list[str],
    report: Callable[[str], None],
) -> ChildPool:  # fmt: skip
    """The pool, which asks for the connection of the worker when it starts its first child."""
    from jobctl.wiring.confinement import child_environment, setup_for
    from jobctl.worker.children import ChildPool

    traces = tracing.variables_of(settings.environment, report)
    named = {name: facts.environment for name, facts in types.items()}
    environment = child_environment(settings, settings.environment, named)
    setup = {
        "home": str(settings.home), "roots": roots, "set_by_child": environment.set_by_child,
        "plugins": environment.plugins, "by_type": environment.by_type, "declared": declared.texts(settings, types),
        "secrets": secrets(settings, settings.environment), "tracing": traces,
    }  # fmt: skip

    confined = cache(partial(_confinement, settings, roots=tuple(roots)))

    def setup_of(workspace: Path) -> dict[str, object]:
        # a child gets the parameters of the connection: it may be frozen at any moment, so it must never be the one that
        # starts the embedded server, holding the lock on that, and it has no PG… variables and no password file
        info = _child_conninfo(database, queue)
        return setup_for({**setup, "values": {**for_children(settings.values), "db": info}}, confined(info), workspace)

    command = (
        f"from jobctl.worker.guardian import start; g = start({os.getpid()}); from jobctl.wiring import run_child; "
    )
    return ChildPool(
        lambda channel, setup: [*_python(), "-c", f"{command}run_child({channel}, {setup}, g)"],
        setup=setup_of, environment=environment.at_start, linger=tracing.LINGER if traces else CHILD_LINGER,
    )  # fmt: skip


def _python() -> list[str]:
    """This interpreter; what lies in the working folder is code for it only where that is so for this process too."""
    return [sys.executable] if {"", *_working_folders()} & set(sys.path) else [sys.executable, "-P"]


def _working_folders() -> list[str]:
    """The folder in which this process works; none where it was deleted."""
    try:
        return [str(Path.cwd())]
    except OSError:
        return []


def _child_conninfo(database: Database, queue: Leases) -> str:
    from jobctl.postgres.credentials import resolved

    return str(database.server.conninfo()) if database.url is None else resolved(queue.connection)


def _confinement(settings: Settings, info: str, roots: Sequence[str]) -> Confinement:
    from jobctl.postgres.connect import connect, socket_folders
    from jobctl.wiring.confinement import confinement

    sockets = socket_folders(info)

    def check() -> None:
        if sockets:  # where the server asks the kernel who is there
            connect(info).close()

    return confinement(settings, roots, sockets=sockets, check=check)


def start_local_worker(
    settings: Settings, ids: Sequence[int], *, report: Callable[[str], None] = lambda _: None
) -> Popen[bytes]:
    """Starts a worker for the given jobs and what they submit, as a child process; returns the process."""
    import subprocess

    from jobctl.worker.sandbox import send_setup

    database = Database(settings, report)
    database.info()
    allowed = {"allow_commands": True, "command_environment": ["*"]}  # who submits is who runs it
    values = {**settings.values, **allowed}
    setup = send_setup({"values": values, "home": str(settings.home), "ids": list(ids), "roots": _working_folders()})
    try:
        return subprocess.Popen(
            [*_python(), "-c", "from jobctl.wiring import local_worker_main; local_worker_main()"],
            stdin=setup, start_new_session=True,
        )  # fmt: skip
    finally:
        os.close(setup)


def local_worker_main() -> None:
    """The process behind ``submit --run``; what it is to do is in the file that is its stdin."""
    from jobctl.worker.sandbox import receive_setup

    received = receive_setup(os.dup(0))
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a device
        os.dup2(nothing.fileno(), 0)
    settings = Settings(received["values"], {}, Path(received["home"]))
    run_worker(settings, WorkerOptions(only=tuple(received["ids"]), input_roots=tuple(received["roots"])))
