"""Runs a pipeline without a database or a worker: the same attempt code, a recorder in place of the queue."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from jobctl import wiring
from jobctl.core import result
from jobctl.core.attempt import Claimed, Outcome, Record, Token
from jobctl.core.job import NewJob, Progress
from jobctl.core.lifecycle import Ending, Status
from jobctl.core.pipeline import Pipeline
from jobctl.storage.local import LocalStorage
from jobctl.system import clock
from jobctl.worker.attempt import Attempt
from jobctl.worker.child import Requests
from jobctl.worker.context import Services


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


def run(
    pipeline: Pipeline, args: Mapping[str, Any], *, library: Any = None, input_roots: Sequence[Path] = (Path("/"),)
) -> RunResult:
    """Runs all stages and returns the result. What the pipeline raises is raised here, with its traceback.

    Every stage's result goes through its checkpoint bytes, and the last one through the bytes of a result, small or large:
    what cannot be kept fails here and not in production.
    """
    run_result = RunResult(None)
    with tempfile.TemporaryDirectory(prefix="jobctl-testing-") as folder:
        settings = wiring.settings({}, {"JOBCTL_HOME": folder, "HOME": folder})
        storage = LocalStorage(Path(folder) / "storage")
        services = Services(
            storage=storage, library=lambda _: library, reader=lambda: library,
            load=lambda _: pipeline, request=partial(wiring.request, settings), workspace=Path(folder),
            input_roots=tuple(input_roots), settings=settings.values,
            plugin=lambda kind, name: wiring.plugin(settings, {}, kind, name),
        )  # fmt: skip
        payload = pipeline.validate(args).model_dump_json(exclude_none=True)
        token = Token(1, 1, str(uuid.uuid4()))
        job = Claimed(token, pipeline.name, "", "default", 2, clock.now(), payload, "{}", 0, 0, "{}")
        raised: list[BaseException] = []
        attempt = Attempt(
            job, services, _Recorder(run_result), Requests(), report=run_result.progress.append,
            log=lambda level, stage, text: run_result.log.append(f"{level} {stage}: {text}"), caught=raised.append, every=0.0,
        )  # fmt: skip
        outcome = attempt.run()
        if raised:
            raise raised[0]
        if outcome is not None and outcome.kind is Ending.COMPLETED:
            run_result.output = _result(outcome, storage)
    return run_result


def _result(outcome: Outcome, storage: LocalStorage) -> Any:
    if outcome.stored is not None:
        return result.decode(result.load(outcome.stored, storage))
    return None if outcome.output is None else result.decode(outcome.output)
