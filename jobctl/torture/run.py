"""A run: submit and control jobs at random while faults are injected, let the queue drain, check the history."""

from __future__ import annotations

import os
import random
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from jobctl import wiring
from jobctl.client import Client, Options
from jobctl.core.errors import ConfigError, StoreUnavailable
from jobctl.core.filters import Filters
from jobctl.core.lifecycle import ACTIVE, Status
from jobctl.core.names import plural
from jobctl.postgres import migrate
from jobctl.postgres.embedded import Server
from jobctl.system import clock
from jobctl.system.environment import variables
from jobctl.torture import workload
from jobctl.torture.faults import FAULTS, Target
from jobctl.torture.fleet import Fleet
from jobctl.torture.history import History, Verdict, check
from jobctl.torture.partition import Proxy

CONTROLS = ("pause", "pause", "resume", "resume", "cancel", "retry", "restart")
SLOW = (0.0, 0.0, 0.0, 0.0, 0.0, 0.01, 0.03, 0.03, 0.4, 0.8)
"""Seconds a batch: most jobs are over before anything happens to them, some outlive a lease."""
DAY = 86_400
"""Seconds by which the clock of one worker is fast, and that of another slow."""
DRAIN_TIMEOUT = 240.0
"""Seconds in which the queue must drain once the faults have ended."""


@dataclass(frozen=True, slots=True)
class TortureConfig:
    """Length, size and rates of a run. ``url``: a server on which a database is created for the run and dropped."""

    seconds: float = 60.0
    """How long faults are injected, at least: the two counts below are reached first, on a slow machine too."""
    min_faults: int = 0
    min_completed: int = 0
    """Jobs that must have completed while faults were injected."""
    workers: int = 3
    seed: int = 0
    faults_a_second: float = 3.0
    jobs_at_once: int = 30
    lease: float = 3.0
    only: tuple[str, ...] = ()
    url: str | None = None


@dataclass
class Report:
    """What was injected and requested, and the verdict."""

    config: TortureConfig
    faults: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    verdict: Verdict = field(default_factory=Verdict)
    seconds: float = 0.0


class Run:
    """One run against one target."""

    def __init__(
        self, config: TortureConfig, client: Client, target: Target, report_progress: Callable[[str], None]
    ) -> None:
        self.config = config
        self.client = client
        self.target = target
        self.report_progress = report_progress
        self.report = Report(config)
        self.acknowledged: list[int] = []
        self.rng = target.rng
        self._deck: list[str] = []
        self._in_vain: Counter[str] = Counter()

    def execute(self) -> Report:
        """Injects faults for the configured time, drains the queue and checks the history."""
        started = time.monotonic()
        with suppress(KeyboardInterrupt):  # Ctrl-C ends the run early: what was done so far is checked
            self._inject(started)
        self._drain()
        self.report.seconds = time.monotonic() - started
        self._check()
        return self.report

    def _inject(self, started: float) -> None:
        next_fault = started + 2.0  # the workers come up first
        reported = started
        while (now := time.monotonic()) < started + self.config.seconds or not self._enough():
            self.target.fleet.ensure_running()
            self._act()
            if now >= next_fault and not self._ahead():
                self._fault()
                # from its end: faults that a slow machine could not fit in must not come all at once afterwards
                next_fault = time.monotonic() + 1.0 / self.config.faults_a_second
            if now - reported > 15:
                reported = now
                count = self.report.faults.total()
                self.report_progress(
                    f"{now - started:.0f} s: {plural(count, 'fault')}, {plural(len(self.acknowledged), 'job')}"
                )
            clock.sleep(0.01)

    def _enough(self) -> bool:
        """Whether as much was injected and completed as the run has to show."""
        return self.report.faults.total() >= self.config.min_faults and self._completed() >= self.config.min_completed

    def _ahead(self) -> bool:
        """Whether the faults are further than the jobs: without this a slow machine would have faults and no progress."""
        config = self.config
        if not (config.min_faults and config.min_completed):
            return False
        due = self.report.faults.total() * config.min_completed
        return due > (self._completed() + config.jobs_at_once) * config.min_faults

    def _completed(self) -> int:
        with suppress(StoreUnavailable):
            return self.client.count(Filters(statuses=(Status.COMPLETED,)))
        return 0

    def _fault(self) -> None:
        """The next fault of a shuffled deck, so that even a short run has each kind as often as its weight says.

        One that found nothing to act on comes once more before the deck is dealt again.
        """
        if not self._deck:
            self._deck = [name for name in self.config.only or FAULTS for _ in range(FAULTS[name][1])]
            self.rng.shuffle(self._deck)
            self._in_vain.clear()
        name = self._deck.pop()
        if FAULTS[name][0](self.target):
            self.report.faults[name] += 1
        elif self._in_vain[name] < FAULTS[name][1]:
            self._in_vain[name] += 1
            self._deck.insert(0, name)

    def _act(self) -> None:
        """One random request. If its answer is lost, it may have taken effect or not."""
        with suppress(StoreUnavailable):
            if self.client.count(Filters(statuses=(Status.PENDING, Status.PROCESSING))) < self.config.jobs_at_once:
                self._submit()
            elif self.rng.random() < 0.3 and self.acknowledged:
                verb = self.rng.choice(CONTROLS)
                getattr(self.client, verb)([self.rng.choice(self.acknowledged[-60:])])
                self.report.requests[verb] += 1

    def _submit(self) -> None:
        data = {
            "items": self.rng.randint(4, 40), "slow": self.rng.choice(SLOW),
            "fails": self.rng.choice([0, 0, 0, 1, 2]),
        }  # fmt: skip
        self.acknowledged.append(self.client.submit(workload.NAME, data, Options()).id)
        self.report.requests["submit"] += 1

    def _drain(self) -> None:
        """Without faults: paused jobs are resumed and failed ones retried until every job has ended."""
        self.target.fleet.end_faults()
        deadline = time.monotonic() + DRAIN_TIMEOUT
        while time.monotonic() < deadline:
            self.target.fleet.ensure_running()
            with suppress(StoreUnavailable):
                self._resume_paused()
                waiting = self.client.find(Filters(statuses=(*ACTIVE, Status.FAILED)), limit=None)
                due = [job.id for job in waiting if job.next_retry_at]
                if due:
                    self.client.retry(due)
                elif not any(job.status in ACTIVE for job in waiting):
                    return
            clock.sleep(0.2)

    def _resume_paused(self) -> None:
        paused = [job.id for job in self.client.find(Filters(statuses=(Status.PAUSED,)), limit=None)]
        for answer in self.client.resume(paused) if paused else []:
            if answer.outcome == "refused":
                self.client.resume([answer.id], from_start=True)

    def _check(self) -> None:
        jobs = {
            job.id: {
                "status": job.status, "output": job.output_data, "retry_count": job.retry_count,
                "expected": workload.expected(int(job.input_data["items"])),
            }
            for job in self.client.pages(Filters(), full=True)
        }  # fmt: skip
        with psycopg.connect(self.target.url) as connection:
            effects = connection.execute("SELECT job_id, attempt, stage FROM jobctl_torture.effects").fetchall()
        events = self.client.events(None, limit=2_000_000_000)
        self.report.statuses.update(str(job["status"]) for job in jobs.values())
        self.report.verdict = check(
            History(frozenset(self.acknowledged), jobs, events, effects, workload.WRITING, planned=workload.PLANNED)
        )


def torture(config: TortureConfig, *, report_progress: Callable[[str], None]) -> Report:
    """A whole run, in a temporary folder. Raises ``ConfigError`` for a fault that does not exist."""
    if unknown := set(config.only) - FAULTS.keys():
        raise ConfigError(f"unknown faults: {', '.join(sorted(unknown))}", hint=f"one of: {', '.join(FAULTS)}")
    with tempfile.TemporaryDirectory(prefix="jobctl-torture-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o755)
        with _database(config, home, report_progress) as (url, postmaster):
            return _run(config, home, url, postmaster, report_progress)


def _run(
    config: TortureConfig,
    home: Path,
    url: str,
    postmaster: Callable[[], int | None],
    report_progress: Callable[[str], None],
) -> Report:
    migrate.upgrade(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(workload.EFFECTS)
    environment = {
        **{k: v for k, v in variables.items() if not k.startswith(("JOBCTL_", "PG", "DATABASE_URL"))},
        "JOBCTL_HOME": str(home), "JOBCTL_LEASE_TTL": str(config.lease), "JOBCTL_CANCEL_GRACE": "2",
        "PYTHONPATH": os.pathsep.join(
            [str(workload.install(home / "plugin")), *filter(None, [variables.get("PYTHONPATH")])]
        ),
    }  # fmt: skip
    if config.url is not None:
        environment["JOBCTL_DATABASE_URL"] = url
    settings = wiring.settings({}, environment)
    client = wiring.connect(settings, load=lambda _: workload.pipeline)
    rng = random.Random(config.seed)  # noqa: S311 - a seed makes the run repeatable, as far as processes can be

    proxy = Proxy(url)
    differing = [{"JOBCTL_DATABASE_URL": proxy.url}, {workload.CLOCK: str(DAY)}, {workload.CLOCK: str(-DAY)}]
    fleet = Fleet(environment, home, config.workers, differing)
    target = Target(fleet, rng, url, home / "storage", config.lease, postmaster, proxy)
    try:
        return Run(config, client, target, report_progress).execute()
    finally:
        fleet.stop()
        proxy.close()
        client.close()
        if copy_to := variables.get("JOBCTL_TORTURE_LOG"):
            Path(copy_to).write_bytes((home / "workers.log").read_bytes())


@contextmanager
def _database(
    config: TortureConfig, home: Path, report_progress: Callable[[str], None]
) -> Iterator[tuple[str, Callable[[], int | None]]]:
    """An embedded server for this run, or a database for it on the given server, which is not crashed."""
    if config.url is None:
        server = Server(home, report=report_progress, environment=variables)
        try:
            yield server.ensure(), lambda: server.status().pid
        finally:
            server.stop(force=True)
        return
    name = f"jobctl_torture_{secrets.token_hex(4)}"
    with psycopg.connect(config.url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    try:
        yield make_conninfo(config.url, dbname=name), lambda: None
    finally:
        with psycopg.connect(config.url, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
