"""process_document on a real book, stopped at every stage and inside every batched stage: the same bytes each time."""

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from jobctl import wiring
from jobctl.client import Client, Options
from jobctl.core.job import Progress
from jobctl.core.lifecycle import Status
from jobctl.postgres.connect import connect
from jobctl.postgres.lease_rows import ClaimTarget
from jobctl.postgres.leases import Leases
from jobctl.postgres.library import Libraries
from jobctl.worker.attempt import Attempt
from jobctl.worker.child import Requests
from jobctl.worker.context import Services

BOOK = Path(__file__).parents[1] / "data" / "project-history.en.pdf"
STOPS = [
    ("extraction", None), ("extraction", 8), ("cleanup", None), ("chunking", None), ("enrichment", None),
    ("embedding", None), ("embedding", 50), ("saving", None), ("connections", None),
]  # fmt: skip


class Killed(BaseException):
    """The process is gone: nothing is said, nothing is settled."""


class Bench:
    """A worker in slow motion: claims, runs one attempt in this process, settles."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.held = wiring.settings({}, {"JOBCTL_HOME": str(folder), "HOME": str(folder)})
        self.queue = Leases(lambda: connect(database_url))
        self.worker = self.queue.register(name="w", host="h", pid=1, version="0", capacity=1, job_types=[], queues=[])
        self.libraries = Libraries()
        self.storage = wiring.storage(self.held)
        self.client = Client(self.queue, storage=lambda: self.storage, load=wiring.pipeline)
        self.plugins: dict = {}
        self.services = Services(
            storage=self.storage, library=self.libraries, reader=lambda: self.libraries(self.queue.connection),
            load=wiring.pipeline, request=partial(wiring.request, self.held), workspace=folder, input_roots=(), settings=self.held.values,
            plugin=lambda kind, name: wiring.plugin(self.held, self.plugins, kind, name),
        )  # fmt: skip

    def attempt(self, report) -> Status | None:
        """One attempt at the one job; None when it was killed."""
        targets = [ClaimTarget("default", "process_document", p) for p in range(5)]
        job = self.queue.claim(self.worker, targets, 1)[0]
        stops = Requests()
        attempt = Attempt(
            job,
            self.services,
            self.queue,
            stops,
            report=lambda p: report(job.token.job_id, stops, p),
            log=lambda *_: None,
        )
        outcome = attempt.run()
        if outcome is not None and outcome.failure is not None and outcome.failure.raw.startswith("Killed"):
            return None
        if outcome is not None:
            self.queue.settle([outcome])
        return self.queue.statuses([job.token.job_id])[job.token.job_id]


@pytest.fixture
def bench(conn, database_url, tmp_path):
    held = Bench(database_url, tmp_path)
    yield held
    held.queue.close()


def fingerprint(conn) -> str:
    """Everything that a finished job left, but for ids and times."""
    chunks = conn.execute(
        "SELECT index, text, start_offset, end_offset, heading_path::text, page_start, page_end, themes::text, summary, "
        "importance, polarity, engine, vector FROM chunks ORDER BY index"
    ).fetchall()
    document = conn.execute(
        "SELECT uid::text, title, markdown_sha256, outline::text, word_count, generation FROM documents"
    ).fetchall()
    jobs = conn.execute("SELECT output_data - 'document_id' FROM jobs WHERE job_type = 'process_document'").fetchall()
    follow_up = conn.execute("SELECT count(*) FROM jobs WHERE job_type = 'detect_connections'").fetchall()
    return hashlib.sha256(repr((chunks, document, jobs, follow_up)).encode()).hexdigest()


@pytest.fixture(scope="module")
def expected() -> dict:
    return {}


def uninterrupted(bench: Bench, conn, expected: dict) -> str:
    """The fingerprint of a run that nobody touched; made once, then the tables are emptied again."""
    if not expected:
        bench.client.submit("process_document", {"path": str(BOOK)}, Options())
        assert bench.attempt(lambda *_: None) is Status.COMPLETED
        expected["print"] = fingerprint(conn)
        conn.execute("TRUNCATE jobs, checkpoints, events, documents, chunks, connections RESTART IDENTITY CASCADE")
    return expected["print"]


def at(progress: Progress, stop: tuple) -> bool:
    stage, items = stop
    return progress.stage == stage and (items is None or (progress.current or 0) >= items)


@pytest.mark.parametrize("stop", STOPS, ids=str)
@pytest.mark.parametrize("how", ["pause", "kill"])
def test_a_real_book_ends_byte_equal_wherever_it_was_stopped(bench, conn, monkeypatch, expected, stop, how):
    whole = uninterrupted(bench, conn, expected)
    monkeypatch.setattr("jobctl.worker.progress.SEND_EVERY", 0.0)
    monkeypatch.setattr("jobctl.worker.attempt.SAVE_EVERY", 0.0)
    pipeline = wiring.pipeline("process_document")
    small = [replace(stage, size=8) if stage.name == "extraction" else stage for stage in pipeline.stages]
    monkeypatch.setattr(pipeline, "stages", small)
    bench.client.submit("process_document", {"path": str(BOOK)}, Options())
    done: list[str] = []

    def interfere(job_id: int, stops: Requests, progress: Progress) -> None:
        if done or not at(progress, stop):
            return
        done.append(how)
        if how == "kill":
            raise Killed
        bench.queue.pause([job_id])
        stops.pause = True

    status = bench.attempt(interfere)
    assert done == [how]
    if how == "kill":
        assert status is None
        conn.execute(
            "UPDATE jobs SET lease_expires_at = now() - interval '1 second', worker_id = 0 WHERE status = 'processing'"
        )
        conn.execute("SELECT 1")
        bench.queue.ttl = 0.0
        bench.queue.rescue()
        bench.queue.ttl = 30.0
    else:
        assert status in (Status.PAUSED, Status.COMPLETED)
        if status is Status.PAUSED:
            bench.client.resume([1])
    if status is not Status.COMPLETED:
        assert bench.attempt(lambda *_: None) is Status.COMPLETED
    assert fingerprint(conn) == whole
