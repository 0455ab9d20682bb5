"""A worker whose every attempt is a process of its own, forked from this warm one: a kill -9 is real and costs a fork.

The supervisor's part (claim, settle, rescue) is done here, step by step, so that a test decides where each attempt ends.
The protocol between real workers is tested elsewhere (test_worker, test_crash_matrix); here it is the handlers' turn.
"""

import os
import signal
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from jobctl import wiring
from jobctl.client import Client, Options
from jobctl.core.lifecycle import Status
from jobctl.postgres.connect import connect
from jobctl.postgres.lease_rows import ClaimTarget
from jobctl.postgres.leases import Leases
from jobctl.postgres.library import Libraries
from jobctl.worker import attempt as attempts
from jobctl.worker.child import Requests
from jobctl.worker.context import Services

MOST_ATTEMPTS = 100


@dataclass(frozen=True)
class Fault:
    """At the ``count``-th commit of an attempt, before or after it: ``kill`` or ``pause``."""

    kind: str
    where: str  # before after
    count: int


class Hands:
    """One library and its queue. ``home`` holds the storage and is the only folder that jobs may use."""

    def __init__(self, database_url: str, home: Path) -> None:
        self.home = home
        self.url = database_url
        self.held = wiring.settings({}, {"JOBCTL_HOME": str(home), "HOME": str(home)})
        self.storage = wiring.storage(self.held)
        self.queue = Leases(lambda: connect(database_url), ttl=3600.0)
        self.worker = self.queue.register(name="w", host="h", pid=1, version="0", capacity=1, job_types=[], queues=[])
        self.client = Client(self.queue, storage=lambda: self.storage, load=wiring.pipeline)
        self.conn = connect(database_url)
        self.conn.execute("SET search_path = jobctl, public")
        self._plugins: dict = {}
        wiring.plugin(self.held, self._plugins, "embedder", None).embed(["warm"])

    def close(self) -> None:
        self.queue.close()
        self.conn.close()

    def submit(self, job_type: str, data: dict[str, Any]) -> int:
        return self.client.submit(job_type, data, Options()).id

    def run(self, job_type: str, faults: Iterable[Fault | None] = (), **data: Any) -> dict[str, Any]:
        """The result of a job, worked off through these faults, one an attempt; its follow-up work is done too."""
        job_id = self.submit(job_type, data)
        self.work(job_id, faults)
        while waiting := self.conn.execute("SELECT min(id) FROM jobs WHERE status = 'pending'").fetchone()[0]:
            self.work(waiting)
        return self.output(job_id)

    def work(self, job_id: int, faults: Iterable[Fault | None] = ()) -> None:
        """Attempts until the job is completed."""
        planned = iter(faults)
        for _ in range(MOST_ATTEMPTS):
            code = self._fork(job_id, next(planned, None))
            assert code in (0, -signal.SIGKILL), f"attempt at job {job_id} ended with {code}"
            if code:
                self._rescue(job_id)
            status = self.queue.statuses([job_id])[job_id]
            if status is Status.PAUSED:
                self.client.resume([job_id])
            elif status is not Status.PENDING:
                break
        row = self.conn.execute(
            "SELECT status, retry_count, error_message, error_trace FROM jobs WHERE id = %s", [job_id]
        ).fetchone()
        assert row[:2] == (Status.COMPLETED, 0), f"{row[2]}\n{row[3]}"

    def output(self, job_id: int) -> dict[str, Any]:
        return self.conn.execute("SELECT output_data FROM jobs WHERE id = %s", [job_id]).fetchone()[0]

    def commits(self, job_id: int) -> int:
        """How often the job committed."""
        return self.conn.execute("SELECT count(*) FROM checkpoints WHERE job_id = %s", [job_id]).fetchone()[0]

    def _rescue(self, job_id: int) -> None:
        """As if the lease had run out."""
        self.conn.execute(
            "UPDATE jobs SET lease_expires_at = now() - interval '1 second', worker_id = 0 WHERE id = %s AND status = 'processing'", [job_id]
        )  # fmt: skip
        self.queue.ttl = 0.0
        self.queue.rescue()
        self.queue.ttl = 3600.0

    def _fork(self, job_id: int, fault: Fault | None) -> int:
        child = os.fork()
        if child:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        try:  # nothing of the parent's is closed here: its connections are its own
            self._attempt(job_id, fault)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)

    def _attempt(self, job_id: int, fault: Fault | None) -> None:
        attempts.SAVE_EVERY = 0.0  # a commit a batch: as many places to be stopped at as there are
        queue = Leases(lambda: connect(self.url), ttl=3600.0)
        (job_type,) = queue.connection.execute("SELECT job_type FROM jobctl.jobs WHERE id = %s", [job_id]).fetchone()
        (job,) = queue.claim(self.worker, [ClaimTarget("default", job_type, p) for p in range(5)], 1, only=[job_id])
        libraries, stops = Libraries(), Requests()
        if fault is not None:
            _arm(queue, job_id, fault, stops)
        services = Services(
            storage=self.storage, library=libraries, reader=lambda: libraries(queue.connection), load=wiring.pipeline,
            request=partial(wiring.request, self.held), workspace=_workspace(self.home, job_id),
            input_roots=(self.home.resolve(),), settings=self.held.values,
            plugin=partial(wiring.plugin, self.held, self._plugins),
        )  # fmt: skip
        run = attempts.Attempt(job, services, queue, stops, report=lambda _: None, log=lambda *_: None)
        if (outcome := run.run()) is not None:
            queue.settle([outcome])


def _workspace(home: Path, job_id: int) -> Path:
    """New for each attempt: the one before may have died in it."""
    place = home / "work" / f"{job_id}-{os.getpid()}"
    place.mkdir(parents=True)
    return place


def _arm(queue: Leases, job_id: int, fault: Fault, stops: Requests) -> None:
    commit, passed = queue.commit_stage, [0]

    def fire() -> None:
        if fault.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        queue.pause([job_id])
        stops.pause = True

    def committing(*args: Any, **more: Any) -> Any:
        passed[0] += 1
        if passed[0] == fault.count and fault.where == "before":
            fire()
        found = commit(*args, **more)
        if passed[0] == fault.count and fault.where == "after":
            fire()
        return found

    queue.commit_stage = committing


SHOWN = (
    "SELECT uid, title, markdown_sha256, engine, outline::text, word_count FROM documents ORDER BY uid",
    "SELECT d.uid, c.index, c.text, c.start_offset, c.end_offset, c.heading_path::text, c.themes::text, c.vector "
    "FROM chunks c JOIN documents d ON d.id = c.document_id ORDER BY 1, 2",
    "SELECT f.uid, a.index, t.uid, b.index, n.type, n.strength, n.evidence::text, n.engine, n.user_validated, n.starred, n.note "
    "FROM connections n JOIN chunks a ON a.id = n.source_chunk JOIN documents f ON f.id = a.document_id "
    "JOIN chunks b ON b.id = n.target_chunk JOIN documents t ON t.id = b.document_id ORDER BY 1, 2, 3, 4, 5",
    "SELECT d.uid, a.start_offset, a.end_offset, a.text, a.note, a.origin_id FROM annotations a "
    "JOIN documents d ON d.id = a.document_id ORDER BY 1, 2, 3, 4",
    "SELECT source, source_id, status, reason, payload::text FROM import_review ORDER BY 1, 2",
    "SELECT d.uid, v.note_path, v.note_hash, v.library_hash, v.missing_since IS NULL FROM vault_sync v "
    "JOIN documents d ON d.id = v.document_id ORDER BY 1, 2",
)  # fmt: skip


def library(conn: psycopg.Connection, *folders: Path) -> list:
    """Everything that a library holds, and files, but for ids and times: two that are equal show the same."""
    rows = [conn.execute(query).fetchall() for query in SHOWN]
    files = {str(p): p.read_bytes() for f in folders for p in sorted(f.rglob("*")) if p.is_file()}
    return [*rows, files]
