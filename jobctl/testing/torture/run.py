"""The run: submit and control jobs at random while faults happen, come to rest, judge."""

from __future__ import annotations

import os
import random
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from jobctl import wiring
from jobctl.client import Client, Options
from jobctl.core.errors import ConfigError, JobctlError, StoreUnavailable
from jobctl.core.job import Filters
from jobctl.core.lifecycle import ACTIVE, Status
from jobctl.postgres import migrate
from jobctl.postgres.embedded import Server
from jobctl.testing.torture import faults, workload
from jobctl.testing.torture.faults import FAULTS, Fleet, Place
from jobctl.testing.torture.history import Seen, Verdict, judge

CONTROLS = ("pause", "pause", "resume", "resume", "cancel", "retry", "restart")
SLOW = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.01, 0.03, 0.03, 0.4)
"""Seconds a batch: most jobs are over before anything happens to them, some outlive a lease."""
REST = 240.0
"""Seconds in which the queue must come to rest once the faults have ended."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, with what, how often. ``url`` names a server on which a database of our own is made and dropped."""

    seconds: float = 60.0
    workers: int = 3
    seed: int = 0
    faults_a_second: float = 3.0
    jobs_at_once: int = 30
    lease: float = 3.0
    only: tuple[str, ...] = ()
    url: str | None = None


@dataclass
class Report:
    """What was done and what the judge says."""

    plan: Plan
    faults: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    verdict: Verdict = field(default_factory=Verdict)
    seconds: float = 0.0


class Run:
    """One run on a place of its own."""

    def __init__(self, plan: Plan, client: Client, place: Place, say: Callable[[str], None]) -> None:
        self.plan = plan
        self.client = client
        self.place = place
        self.say = say
        self.report = Report(plan)
        self.acknowledged: list[int] = []
        self.dice = place.dice

    def go(self) -> Report:
        """Faults for the planned time, then rest, then the verdict."""
        started = time.monotonic()
        with suppress(KeyboardInterrupt):  # a person has seen enough: what was done so far is judged
            self._rage(started)
        self._rest()
        self.report.seconds = time.monotonic() - started
        self._judge()
        return self.report

    def _rage(self, started: float) -> None:
        next_fault = started + 2.0  # the workers come up first
        said = started
        while (now := time.monotonic()) < started + self.plan.seconds:
            self.place.fleet.keep()
            self._act()
            if now >= next_fault:
                next_fault += 1.0 / self.plan.faults_a_second
                self._fault()
            if now - said > 15:
                said = now
                self.say(f"{now - started:.0f} s: {self.report.faults.total()} faults, {len(self.acknowledged)} jobs")
            time.sleep(0.01)

    def _fault(self) -> None:
        names = list(self.plan.only or FAULTS)
        name = self.dice.choices(names, [FAULTS[n][1] for n in names])[0]
        if FAULTS[name][0](self.place):
            self.report.faults[name] += 1

    def _act(self) -> None:
        """One request of a person. A lost answer is no promise: such a job may be there or not."""
        with suppress(StoreUnavailable):
            if self.client.queue.count(Filters(statuses=(Status.PENDING, Status.PROCESSING))) < self.plan.jobs_at_once:
                self._submit()
            elif self.dice.random() < 0.3 and self.acknowledged:
                verb = self.dice.choice(CONTROLS)
                getattr(self.client, verb)([self.dice.choice(self.acknowledged[-60:])])
                self.report.requests[verb] += 1

    def _submit(self) -> None:
        data = {
            "items": self.dice.randint(4, 40), "slow": self.dice.choice(SLOW),
            "fails": self.dice.choice([0, 0, 0, 1, 2]),
        }  # fmt: skip
        self.acknowledged.append(self.client.submit(workload.NAME, data, Options()).id)
        self.report.requests["submit"] += 1

    def _rest(self) -> None:
        """No more faults: what is paused goes on, what failed and may be retried is, until nothing moves."""
        self.place.fleet.calm()
        deadline = time.monotonic() + REST
        while time.monotonic() < deadline:
            self.place.fleet.keep()
            with suppress(StoreUnavailable):
                paused = [job.id for job in self.client.find(Filters(statuses=(Status.PAUSED,)), limit=None)]
                for answer in self.client.resume(paused) if paused else []:
                    if answer.answer == "refused":
                        self.client.resume([answer.id], from_start=True)
                waiting = self.client.find(Filters(statuses=(*ACTIVE, Status.FAILED)), limit=None)
                if not any(job.status in ACTIVE or job.next_retry_at for job in waiting):
                    return
            time.sleep(0.2)

    def _judge(self) -> None:
        jobs = {
            job.id: {
                "status": job.status, "output": job.output_data, "retry_count": job.retry_count,
                "expected": workload.expected(int(job.input_data["items"])),
            }
            for job in self.client.pages(Filters(), full=True)
        }  # fmt: skip
        with psycopg.connect(self.place.url) as connection:
            effects = connection.execute("SELECT job_id, attempt, stage FROM jobctl_torture.effects").fetchall()
        events: Sequence[dict[str, Any]] = self.client.events(None, limit=2_000_000_000)
        self.report.statuses.update(str(job["status"]) for job in jobs.values())
        self.report.verdict = judge(Seen(frozenset(self.acknowledged), jobs, events, effects, workload.WRITING))


def torture(plan: Plan, *, say: Callable[[str], None]) -> Report:
    """A whole run. Raises ``ConfigError`` for a fault that does not exist."""
    if unknown := set(plan.only) - FAULTS.keys():
        raise ConfigError(f"unknown faults: {', '.join(sorted(unknown))}", hint=f"one of: {', '.join(FAULTS)}")
    with tempfile.TemporaryDirectory(prefix="jobctl-torture-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o755)
        with _database(plan, home, say) as (url, postmaster):
            return _run(plan, home, url, postmaster, say)


def _run(plan: Plan, home: Path, url: str, postmaster: Callable[[], int | None], say: Callable[[str], None]) -> Report:
    migrate.upgrade(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(workload.EFFECTS)
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("JOBCTL_", "PG", "DATABASE_URL"))},
        "JOBCTL_HOME": str(home), "JOBCTL_LEASE_TTL": str(plan.lease), "JOBCTL_CANCEL_GRACE": "2",
        "PYTHONPATH": os.pathsep.join(
            [str(workload.announce(home / "plugin")), *filter(None, [os.environ.get("PYTHONPATH")])]
        ),
    }  # fmt: skip
    if plan.url is not None:
        environment["JOBCTL_DATABASE_URL"] = url
    held = wiring.settings({}, environment)
    client = wiring.connect(held, load=lambda _: workload.pipeline)
    dice = random.Random(plan.seed)  # noqa: S311 - a seed makes the run repeatable, as far as processes can be

    def paused() -> list[str]:
        with suppress(JobctlError):
            return [
                job.checkpoint_path for job in client.find(Filters(statuses=(Status.PAUSED,))) if job.checkpoint_path
            ]
        return []

    fleet = Fleet(environment, home, plan.workers)
    place = faults.Place(fleet, dice, url, home / "storage", plan.lease, postmaster, paused)
    try:
        return Run(plan, client, place, say).go()
    finally:
        fleet.end()
        client.close()
        if keep := os.environ.get("JOBCTL_TORTURE_LOG"):
            Path(keep).write_bytes((home / "workers.log").read_bytes())


@contextmanager
def _database(plan: Plan, home: Path, say: Callable[[str], None]) -> Iterator[tuple[str, Callable[[], int | None]]]:
    """An embedded server of our own, or a database of our own on a server that is left alone."""
    if plan.url is None:
        server = Server(home, report=say, environment=os.environ)
        try:
            yield server.ensure(), lambda: server.status().pid
        finally:
            server.stop(force=True)
        return
    name = f"jobctl_torture_{secrets.token_hex(4)}"
    with psycopg.connect(plan.url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    try:
        yield make_conninfo(plan.url, dbname=name), lambda: None
    finally:
        with psycopg.connect(plan.url, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
