"""An attempt against the real queue and a real storage: what it continues from, what it writes, and where it stops."""

import json
from functools import partial

import pytest
from pydantic import BaseModel

from jobctl import Pipeline
from jobctl.core.attempt import Outcome
from jobctl.core.errors import StorageUnavailable, StoreUnavailable
from jobctl.core.filters import Filters
from jobctl.core.job import NewJob
from jobctl.core.lifecycle import Ending, Status
from jobctl.core.rows import CheckpointRow
from jobctl.storage.local import LocalStorage
from jobctl.worker import attempt as attempts
from jobctl.worker.attempt import Attempt
from jobctl.worker.child import Requests
from jobctl.worker.context import Services


class Nothing(BaseModel):
    pass


class Bench:
    """One job and its attempts, in this process. ``written`` is what reached the library."""

    def __init__(self, queue, claim, folder) -> None:
        self.queue, self._claim = queue, claim
        self.storage = LocalStorage(folder / "storage")
        self.folder = folder
        self.written: list = []
        self.stops = Requests()
        self.lines: list[str] = []

    def note(self, number: int, library: list) -> None:
        """A write of a stage."""
        library.append(number)

    def start(self) -> None:
        self.queue.submit([NewJob("a", {})])

    def attempt(self, pipeline: Pipeline) -> Outcome | None:
        """One hand-out of the job, from claim to settlement."""
        (job,) = self._claim()
        services = Services(
            storage=self.storage, library=lambda _: self.written, reader=lambda: self.written, load=lambda _: pipeline,
            request=lambda job_type, args, **_: NewJob(job_type, dict(args)), workspace=self.folder, input_roots=(), settings={},
            plugin=lambda *_: None,
        )  # fmt: skip
        outcome = Attempt(
            job, services, self.queue, self.stops, report=lambda _: None,
            log=lambda level, stage, text: self.lines.append(f"{level} {stage}: {text}"),
        ).run()  # fmt: skip
        if outcome is not None:
            self.queue.settle([outcome])
        return outcome

    def job(self, job_id: int = 1):
        return self.queue.find(Filters(ids=(job_id,)), full=True)[0]

    def records(self) -> list[CheckpointRow]:
        return self.queue.checkpoints([1])

    def damage(self, seq: int) -> None:
        """Changes a byte of a checkpoint."""
        (path,) = (self.storage.root / row.path for row in self.records() if row.seq == seq)
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)


@pytest.fixture
def bench(queue, claim, tmp_path, monkeypatch):
    monkeypatch.setattr(attempts, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(attempts, "RESEND_EVERY", 0.0)
    started = Bench(queue, claim, tmp_path)
    started.start()
    return started


class Batched:
    """Squares of ten numbers in batches of two, which is stopped after some of them."""

    def __init__(self, stop_after: int | None, bench: Bench) -> None:
        self.seen: list[list[int]] = []
        self.pipeline = Pipeline("a", args=Nothing)
        self.pipeline.stage(share=1, name="numbers")(lambda _ctx, _args: list(range(10)))

        @self.pipeline.batches(share=1, size=2, name="squares")
        def squares(ctx, numbers: list[int]) -> list[int]:
            self.seen.append(numbers)
            bench.stops.release = len(self.seen) == stop_after
            ctx.write(lambda library: library.append(numbers))
            ctx.submit("c", {"numbers": numbers})
            return [n * n for n in numbers]

        self.pipeline.stage(share=1, name="sum")(lambda _ctx, values: sum(values))


@pytest.mark.parametrize("damaged", [1, 2, 3, 4])
def test_damage_in_the_middle_costs_what_came_after_it_and_never_a_wrong_result(bench, damaged):
    first = Batched(3, bench)
    assert bench.attempt(first.pipeline).kind is Ending.RELEASED
    assert [(row.seq, row.stage, row.done) for row in bench.records()] == [
        (1, "numbers", 0), (2, "squares", 2), (3, "squares", 4), (4, "squares", 6),
    ]  # fmt: skip
    bench.damage(damaged)
    again = Batched(None, bench)
    bench.stops = Requests()
    assert bench.attempt(again.pipeline).kind is Ending.COMPLETED
    assert bench.job().output_data == sum(n * n for n in range(10))
    done = max(0, damaged - 2)  # batches before the damage
    assert again.seen == [[n, n + 1] for n in range(2 * done, 10, 2)]
    assert any(line.startswith("warning") and "cannot be used" in line for line in bench.lines)
    # what was dropped is forgotten with the next commit: nobody can fall back on it again
    after = [(row.seq, row.lease_seq) for row in bench.records()]
    assert [seq for seq, attempt in after if attempt == 1] == list(range(1, damaged))
    assert [seq for seq, attempt in after if attempt == 2] == list(range(5, len(after) - damaged + 6))


def test_the_writes_and_follow_up_jobs_of_each_batch_are_committed_once(bench, conn):
    run = Batched(None, bench)
    assert bench.attempt(run.pipeline).kind is Ending.COMPLETED
    assert bench.written == run.seen == [[n, n + 1] for n in range(0, 10, 2)]
    submitted = conn.execute("SELECT input_data -> 'numbers' FROM jobs WHERE job_type = 'c' ORDER BY id").fetchall()
    assert [numbers for (numbers,) in submitted] == run.seen


def test_a_stage_that_is_begun_again_after_an_outage_keeps_nothing_of_its_first_try(bench, conn):
    tries: list[int] = []
    pipeline = Pipeline("a", args=Nothing)

    @pipeline.stage(share=1, name="one")
    def one(ctx, _args) -> int:
        tries.append(len(tries))
        ctx.write(partial(bench.note, len(tries)))
        ctx.submit("c", {"n": len(tries)})
        if len(tries) < 3:
            raise StoreUnavailable("away")
        return 1

    assert bench.attempt(pipeline).kind is Ending.COMPLETED
    assert bench.written == [3]
    assert conn.execute("SELECT input_data FROM jobs WHERE job_type = 'c'").fetchall() == [({"n": 3},)]
    assert bench.job().retry_count == 0


def test_a_storage_that_is_away_is_an_error_of_the_job_and_not_waited_for(bench):
    pipeline = Pipeline("a", args=Nothing)

    @pipeline.stage(share=1, name="one")
    def one(_ctx, _args) -> int:
        raise StorageUnavailable("full")

    outcome = bench.attempt(pipeline)
    assert (outcome.kind, outcome.failure.kind) == (Ending.FAILED, "transient")


class Unsafe:
    """Three stages; after the middle one the job may not stop. What is requested is so while that one runs."""

    def __init__(self, bench: Bench, request: str) -> None:
        self.ran: list[str] = []
        self.pipeline = Pipeline("a", args=Nothing)
        for name, safe in (("before", True), ("unsafe", False), ("after", True), ("last", True)):
            self.pipeline.stage(share=1, name=name, pause_safe=safe)(partial(self._run, bench, request, name))

    def _run(self, bench: Bench, request: str, name: str, ctx, _value: object) -> str:
        self.ran.append(name)
        if name == "unsafe":
            setattr(bench.stops, request, True)
            if request == "pause":
                bench.queue.pause([1])
        if name == "after":
            ctx.check_interrupt()
        return name


@pytest.mark.parametrize(("request_", "ending"), [("release", Ending.RELEASED), ("pause", None)])
def test_a_job_stops_only_where_it_is_safe_whoever_asks(bench, request_, ending):
    run = Unsafe(bench, request_)
    outcome = bench.attempt(run.pipeline)
    assert (outcome and outcome.kind) == ending  # a pause is settled by the commit itself
    assert run.ran == ["before", "unsafe", "after"]
    assert [(row.stage, row.pause_safe) for row in bench.records()] == [
        ("before", True), ("unsafe", False), ("after", True),
    ]  # fmt: skip
    assert bench.job().status is (Status.PENDING if ending else Status.PAUSED)


def test_a_result_outside_the_row_is_durable_before_the_outcome_is_there(bench, monkeypatch):
    pipeline = Pipeline("a", args=Nothing)
    pipeline.stage(share=1, name="one")(lambda _ctx, _args: {"text": "x" * 100_000})
    monkeypatch.setattr(bench.queue, "settle", lambda outcomes: None)
    outcome = bench.attempt(pipeline)
    assert json.loads(bench.storage.get(outcome.stored.path, max_bytes=outcome.stored.size)) == {"text": "x" * 100_000}
    assert bench.job().status is Status.PROCESSING


def test_a_storage_without_room_for_the_result_fails_the_attempt_and_is_tried_again(bench, monkeypatch):
    pipeline = Pipeline("a", args=Nothing)
    pipeline.stage(share=1, name="one")(lambda _ctx, _args: {"text": "x" * 100_000})

    def full(*_: object) -> None:
        raise StorageUnavailable("the disk is full")

    monkeypatch.setattr(bench.storage, "put", full)
    outcome = bench.attempt(pipeline)
    assert (outcome.kind, outcome.failure.kind, outcome.retry_after is not None) == (Ending.FAILED, "transient", True)
