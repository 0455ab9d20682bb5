"""Worker processes: the supervisor, its children, and the one behind ``submit --run``."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from jobctl import __version__
from jobctl.client import Options, new_job
from jobctl.core.errors import ConfigError
from jobctl.core.job import NewJob
from jobctl.wiring.configuration import Settings
from jobctl.wiring.databases import Database
from jobctl.wiring.plugins import job_types, pipeline, plugin, storage

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
    metrics: tuple[str, int] | None = None
    """Host and port on which to show what was done."""


def run_worker(held: Settings, options: WorkerOptions, *, say: Callable[[str], None] = lambda _: None) -> int:
    """Runs a supervisor in this process until it ends; returns the number of jobs settled."""
    from jobctl.postgres.listener import Listener
    from jobctl.postgres.retry_until import retry_until_available
    from jobctl.worker.config import WorkerConfig
    from jobctl.worker.crew import Crew
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
    types = options.types or _usable(say)
    for name in types:
        pipeline(name)
    host = socket.gethostname()
    config = WorkerConfig(
        name=options.name or f"{host}-{os.getpid()}", host=host, pid=os.getpid(), version=__version__, types=types,
        queues=options.queues, concurrency=options.concurrency or int(held["concurrency"]),
        poll=options.poll or float(held["poll"]), grace=options.grace if options.grace is not None else float(held["grace"]),
        cancel_grace=float(held["cancel_grace"]), silent_limit=float(held["silent_limit"]), drain=options.drain, once=options.once, max_jobs=options.max_jobs,
        auto_retry=bool(held["auto_retry"]), paywall_holds=bool(held["paywall_holds"]), only=frozenset(options.only) if options.only else None,
    )  # fmt: skip
    roots = [str(Path(root).resolve()) for root in [*held["input_roots"], *options.input_roots]]
    child_settings = {"values": held.values, "home": str(held.home), "roots": roots, "parent": os.getpid()}
    os.environ["JOBCTL_CHILD"] = json.dumps(child_settings)
    crew = Crew(
        lambda descriptor: [sys.executable, "-c", f"from jobctl.wiring import run_child; run_child({descriptor})"]
    )
    listen = partial(Listener, partial(place.connect, "jobctl worker")) if options.listen else None
    metrics = Metrics()
    if options.metrics is not None:
        port = metrics.serve(*options.metrics, version=__version__, worker=config.name)
        say(f"metrics: http://{options.metrics[0]}:{port}/metrics")
    sweeper = Sweeper(queue, auto_retry=config.auto_retry)
    timer = StageTimer(
        {name: pipeline(name).stages for name in types},
        timeout=float(held["stage_timeout"]), cpu=float(held["stage_cpu"]),
    )  # fmt: skip
    supervisor = Supervisor(config, queue, sweeper, crew, timer=timer, listen=listen, metrics=metrics)
    retry_until_available(supervisor.register, seconds=START_PATIENCE)
    return supervisor.run()


def _usable(say: Callable[[str], None]) -> tuple[str, ...]:
    """The installed job types, without those whose package is broken: they stop nobody else's work."""
    found = []
    for name in job_types():
        try:
            pipeline(name)
            found.append(name)
        except ConfigError as error:
            say(f"{error}; its jobs wait")
    return tuple(found)


def run_child(descriptor: int) -> None:
    """The whole of a child process."""
    import tempfile

    from jobctl.worker.child import Child, channel_from, confine

    given = json.loads(os.environ["JOBCTL_CHILD"])
    held = Settings(given["values"], {}, Path(given["home"]))
    confine(
        parent=given["parent"],
        memory=int(held["child_memory_mb"]) << 20 or None,
        file_size=int(held["child_file_size_mb"]) << 20 or None,
    )
    from jobctl.postgres.leases import Leases
    from jobctl.postgres.library import Libraries
    from jobctl.worker.context import Services

    database = Database(held, lambda _: None, starts=False)
    queue = Leases(partial(database.connect, "jobctl worker child"), ttl=float(held["lease_ttl"]))
    libraries = Libraries()
    with tempfile.TemporaryDirectory() as workspace:  # in the folder that our supervisor gave us, and removes
        services = Services(
            storage=storage(held), library=libraries, reader=lambda: libraries(queue.connection), load=cache(pipeline),
            request=partial(request, held), workspace=Path(workspace), input_roots=tuple(Path(root) for root in given["roots"]),
            settings=held.values, plugin=partial(plugin, held, {}), auto_retry=bool(held["auto_retry"]),
        )  # fmt: skip
        Child(channel_from(descriptor), services, queue).run()


def request(held: Settings, job_type: str, args: Mapping[str, Any], *, created_by: str, **options: Any) -> NewJob:
    """A validated follow-up job."""
    return new_job(pipeline(job_type), args, Options(**options), created_by=created_by, retries=held["max_retries"])


def run_here(held: Settings, ids: Sequence[int], *, say: Callable[[str], None] = lambda _: None) -> Any:
    """Starts a worker for the given jobs and what they submit, as a child process; gives the process."""
    import subprocess

    place = Database(held, say)
    place.info()
    given = {
        "values": held.values,
        "home": str(held.home),
        "ids": list(ids),
        "roots": [str(Path.cwd())],
    }
    return subprocess.Popen(
        [sys.executable, "-c", "from jobctl.wiring import work_here; work_here()"],
        env={**os.environ, "JOBCTL_HERE": json.dumps(given)}, stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def work_here() -> None:
    """The process behind ``submit --run``."""
    given = json.loads(os.environ["JOBCTL_HERE"])
    held = Settings(given["values"], {}, Path(given["home"]))
    run_worker(held, WorkerOptions(only=tuple(given["ids"]), input_roots=tuple(given["roots"])))
