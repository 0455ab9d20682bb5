"""Runs a pipeline without a database or a worker: the same submission and attempt code, a recorder in place of the queue."""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from jobctl import wiring
from jobctl.client import Client
from jobctl.core import result
from jobctl.core.attempt import Claimed, Failure, Outcome, Record, Token
from jobctl.core.errors import StoreUnavailable
from jobctl.core.job import NewJob, Progress, Submitted
from jobctl.core.lifecycle import Ending, Status
from jobctl.core.pipeline import Pipeline
from jobctl.core.plain import plain
from jobctl.core.retry import failure as classified
from jobctl.postgres.queue import Queue
from jobctl.storage.local import LocalStorage
from jobctl.system import clock
from jobctl.testing.limits import LimitReached, Watchdog, environment_of
from jobctl.worker.attempt import Attempt
from jobctl.worker.child import Requests
from jobctl.worker.context import Services
from jobctl.worker.secrets import Secrets


@dataclass
class RunResult:
    """The outcome of a run: its result, its checkpoints, progress and log, and what it would have submitted."""

    output: Any
    """What ``client.result`` would return."""
    records: list[Record] = field(default_factory=list)
    progress: list[Progress] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    submitted: list[NewJob] = field(default_factory=list)


class _Recorder:
    """Replaces the queue: accepts every commit."""

    def __init__(self, run_result: RunResult) -> None:
        self._result = run_result

    def commit_stage(
        self,
        token: Token,  # noqa: ARG002 - the queue's signature
        record: Record,
        *,
        follow_up: Sequence[NewJob] = (),
        work: Callable[[Any], None] | None = None,
        **_: Any,
    ) -> tuple[Status, bool]:
        if work is not None:
            work(None)
        self._result.records.append(record)
        self._result.submitted += follow_up
        return Status.PROCESSING, False

    def committed(self, token: Token, record: Record) -> None:
        """Never needed: no commit's answer can be lost here."""

    def warn(self, token: Token, kind: str, **detail: Any) -> None:  # noqa: ARG002 - the queue's signature
        self._result.log.append(f"{kind}: {detail}")


class _SubmitRecorder(Queue):
    """Replaces the queue of a client: keeps the job that is submitted."""

    def __init__(self) -> None:
        super().__init__(_no_database)
        self.new: list[NewJob] = []

    def submit(self, new: Sequence[NewJob], *, wake: bool = True) -> list[Submitted]:  # noqa: ARG002 - the queue's signature
        """Accepts the jobs; the ids have no meaning."""
        self.new += new
        return [Submitted(number, created=True) for number in range(1, len(new) + 1)]


def _no_database() -> NoReturn:
    raise StoreUnavailable("jobctl.testing has no database")


def run(
    pipeline: Pipeline,
    args: Mapping[str, object],
    *,
    library: Any = None,
    input_roots: Sequence[Path] = (),
    secrets: Mapping[str, str] | None = None,
    results: Mapping[int, object] | None = None,
) -> RunResult:
    """Submits a job and runs all stages as a worker does; returns the result. What the pipeline raises is raised here.

    Files of ``input_files`` are copied into a storage, as ``submit`` does. Other paths can be opened only below
    ``input_roots``, which are those of a worker: by default none. Every stage's result goes through its checkpoint bytes,
    and the last one through the bytes of a result. ``library`` is returned by ``ctx.read()`` and passed to writes.

    ``results`` are those of the jobs that this one depends on, by their ids, for ``ctx.results()``.

    The time limits of the stages hold, and a stage reads only the variables of the environment that it could read in a
    worker's child. Not as on a worker: limits of memory, a process of its own, and pauses; see ``worker()``.
    """
    run_result = RunResult(None)
    with tempfile.TemporaryDirectory(prefix="jobctl-testing-") as name:
        folder, settings = Path(name), wiring.settings({}, {"JOBCTL_HOME": name, "HOME": name})
        storage = LocalStorage(folder / "storage")
        (workspace := folder / "workspace").mkdir()
        services = Services(
            storage=storage, library=lambda _: library, reader=lambda: library, load=lambda _: pipeline,
            request=partial(wiring.request, settings), workspace=workspace,
            input_roots=tuple(root.resolve() for root in input_roots), settings=settings.values,
            plugin=lambda kind, name: wiring.plugin(settings, {}, kind, name), secrets=Secrets(secrets),
            results=lambda _: _as_read(results or {}),
        )  # fmt: skip
        job = _submitted(pipeline, args, storage)
        with environment_of(pipeline, settings, str(workspace)):
            outcome = _attempted(job, services, run_result, Watchdog(pipeline, job))
        if outcome is not None and outcome.kind is Ending.COMPLETED:
            run_result.output = _result(outcome, storage)
    return run_result


def _attempted(job: Claimed, services: Services, run_result: RunResult, watchdog: Watchdog) -> Outcome | None:
    """Runs the job; raises what it raised."""
    raised: list[BaseException] = []
    attempt = Attempt(
        job, services, _Recorder(run_result), Requests(),
        report=run_result.progress.append, caught=raised.append, every=0.0,
        log=lambda level, stage, text: run_result.log.append(f"{level} {stage}: {text}"), on_stage=watchdog.on_stage,
    )  # fmt: skip
    try:
        with watchdog.watching():
            outcome = attempt.run()
        if raised:
            raise raised[0]
    except LimitReached as reached:
        raise reached.error() from None
    finally:
        services.loop.close()
    return outcome


def failure(pipeline: Pipeline, error: BaseException) -> Failure:
    """What a worker records of an error of this job type: its class, its message, the delay before the first retry."""
    found = classified(error, pipeline.retry.kind)
    again = found.kind == "transient" and found.retry_in is None
    return replace(found, retry_in=pipeline.retry.delay(0)) if again else found


def _as_read(results: Mapping[int, object]) -> dict[int, object]:
    """Results after the way through their bytes."""
    return {i: result.decode(result.encode(plain(value, "result"))) for i, value in results.items()}


def _submitted(pipeline: Pipeline, args: Mapping[str, object], storage: LocalStorage) -> Claimed:
    """The job as a worker claims it."""
    queue = _SubmitRecorder()
    Client(queue, storage=lambda: storage, load=lambda _: pipeline, user="testing").submit(pipeline.name, args)
    (new,) = queue.new
    return Claimed(
        Token(1, 1, str(uuid.uuid4())), new.job_type, new.title, new.queue, new.priority, clock.now(),
        json.dumps(new.input_data), json.dumps(new.metadata), 0, new.max_retries, "{}",
    )  # fmt: skip


def _result(outcome: Outcome, storage: LocalStorage) -> Any:
    if outcome.stored is not None:
        return result.decode(result.load(outcome.stored, storage))
    return None if outcome.output is None else result.decode(outcome.output)
