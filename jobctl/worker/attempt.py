"""One attempt at one job, from its newest valid checkpoint to an outcome. Runs in a child process."""

from __future__ import annotations

import inspect
import random
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from jobctl.core import checkpoint, result
from jobctl.core.attempt import Claimed, Failure, Outcome, Record
from jobctl.core.errors import (
    CancelNow,
    Interrupt,
    LeaseLost,
    PauseNow,
    ReleaseNow,
    StorageUnavailable,
    StoreUnavailable,
)
from jobctl.core.job import Progress
from jobctl.core.lifecycle import Ending, Status
from jobctl.core.pipeline import Pipeline, Stage
from jobctl.core.plain import plain
from jobctl.core.ports import Stops
from jobctl.core.retry import failure
from jobctl.core.retry_policy import Retry
from jobctl.system import clock
from jobctl.worker.checkpoints import CheckpointLog, Unreadable
from jobctl.worker.columns import arguments, inputs, percent
from jobctl.worker.commits import Commits
from jobctl.worker.context import Log, Run, Services, StageContext
from jobctl.worker.growing import Growing, Step, listed
from jobctl.worker.progress import ProgressReporter
from jobctl.worker.storage_outage import StorageOutage

T = TypeVar("T")
SAVE_EVERY = 2.0
"""Seconds between two partial checkpoints of a stage that works in batches."""
RESEND_EVERY = 1.0
"""Seconds between two tries to commit while the database is away; the supervisor's freeze ends this, or the lease."""


class Settled(Interrupt):
    """The commit of a stage paused the job."""


@dataclass(frozen=True, slots=True)
class _Last:
    """The result of the last stage."""

    value: object


class Attempt:
    """Runs the stages of one claimed job. ``quiet``, ``every``: see ``ProgressReporter``."""

    def __init__(
        self, job: Claimed, services: Services, commits: Commits, stops: Stops, *, report: Callable[[Progress], None],
        log: Log, caught: Callable[[BaseException], None] = lambda _: None, quiet: float = 0.0, every: float | None = None,
        on_stage: Callable[[Stage], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self.job = job
        self.services = services
        self.commits = commits
        self.stops = stops
        self.log = log
        self._caught = caught  # a test wants the exception itself
        self._on_stage = on_stage
        self._away = StorageOutage(services.prove, stops, lambda text: log("warning", None, text))
        self._retry = Retry()
        self.reporter = ProgressReporter(report, percent(job.progress), quiet=quiet, every=every)

    def run(self) -> Outcome | None:
        """The outcome, or None when the last commit has settled the job already, or the lease is lost."""
        try:
            return self._completed(self._stages())
        except (Settled, LeaseLost):
            return None
        except PauseNow:
            return self._outcome(Ending.PAUSED)
        except CancelNow:
            return self._outcome(Ending.CANCELLED)
        except ReleaseNow:
            return self._outcome(Ending.RELEASED)
        except BaseException as error:  # whatever a handler raises is an error of its job
            return self._failed(error)

    def _completed(self, value: object) -> Outcome:
        """With the result: small in the outcome, large made durable first."""
        if value is None:
            self.reporter.finish()
            return self._outcome(Ending.COMPLETED)
        data = result.encode(value)
        keep = partial(result.store, data, self.job.token, self.services.storage)
        stored = self._away.outlast(keep) if len(data) > result.ROW_CAP else None
        self.reporter.finish()
        return Outcome(
            self.job.token, Ending.COMPLETED, output=None if stored else data.decode(), stored=stored,
            progress=self.reporter.snapshot(),
        )  # fmt: skip

    def _outcome(self, kind: Ending, *, problem: Failure | None = None, retry_after: float | None = None) -> Outcome:
        progress = self.reporter.snapshot()
        return Outcome(self.job.token, kind, progress=progress, failure=problem, retry_after=retry_after)

    def _failed(self, error: BaseException) -> Outcome:
        self._caught(error)
        problem = self.services.secrets.redacted(failure(error, self._retry.kind))
        delay = problem.retry_in
        if delay is None:
            delay = self._retry.delay(self.job.retry_count, random.random())  # noqa: S311 - jitter, not a secret
        return self._outcome(
            Ending.FAILED, problem=problem, retry_after=delay if self.services.auto_retry else None
        )  # fmt: skip

    def _stages(self) -> object:
        pipeline = self.services.load(self.job.job_type)
        self._retry = pipeline.retry
        args = arguments(pipeline, self.job.input_data)
        checkpoints = CheckpointLog(pipeline, self.services.storage, self.job.records)
        run = Run(
            self.job, inputs(self.job.metadata), self.services, self.stops, self.reporter, self.log, checkpoints,
            partial(self._save, checkpoints),
        )  # fmt: skip
        while True:
            try:
                position = checkpoints.position()
                if position.stage >= len(pipeline.stages):
                    return plain(self._away.outlast(lambda: checkpoints.value(pipeline.stages[-1].name)), "result")
                before = pipeline.stages[position.stage - 1].name if position.stage else None
                previous = self._away.outlast(partial(checkpoints.value, before)) if before else args
                with self.services.tracer.stage(pipeline.stages[position.stage].name):
                    last = self._stage(pipeline, run, position.stage, position.done, args, previous)
                if last is not None:
                    return last.value
            except Unreadable as bad:
                self._fall_back(checkpoints, bad)

    def _fall_back(self, checkpoints: CheckpointLog, bad: Unreadable) -> None:
        """Damage is recorded in the history; only work after the newest valid checkpoint is repeated."""
        checkpoints.cut(bad.record)
        self.log("warning", bad.record.stage, f"checkpoint of {bad.record.stage} cannot be used: {bad.reason}")
        detail = {"stage": bad.record.stage, "path": bad.record.path, "reason": bad.reason}
        self._until_available(lambda: self.commits.warn(self.job.token, "checkpoint_unusable", **detail))

    def _stage(
        self, pipeline: Pipeline, run: Run, index: int, done: int, args: object, previous: object
    ) -> _Last | None:
        stage = pipeline.stages[index]
        context = StageContext(run, stage, args)
        self.reporter.begin(stage, *pipeline.span(index))
        self._on_stage(stage)
        context.check_interrupt()
        last = index == len(pipeline.stages) - 1
        if not stage.grows:
            value = self._run(context, stage, previous)
            inside = run.checkpoints.inside(stage.name)
            segment = checkpoint.Segment(stage.name, value, inside.done if inside else 0, complete=True)
            return self._finish(run.checkpoints, context, segment, value, last=last)
        return self._grow(run.checkpoints, context, stage, done, previous, last=last)

    def _grow(
        self, checkpoints: CheckpointLog, context: StageContext, stage: Stage, done: int, previous: object, *, last: bool
    ) -> _Last | None:  # fmt: skip
        results = self._away.outlast(lambda: checkpoints.partial(stage.name), context.check_interrupt) if done else []
        fresh: list[object] = []
        saved = time.monotonic()
        with closing(self._steps(checkpoints, context, stage, done, previous)) as steps:
            for step in steps:
                fresh += step.results
                done += step.done
                if step.more and (self._stop_requested() or time.monotonic() - saved >= SAVE_EVERY):
                    self._commit(checkpoints, context, checkpoint.Segment(stage.name, fresh, done, complete=False))
                    results += fresh
                    fresh, saved = [], time.monotonic()
        segment = checkpoint.Segment(stage.name, fresh, done, complete=True)
        return self._finish(checkpoints, context, segment, results + fresh, last=last)

    def _steps(
        self, checkpoints: CheckpointLog, context: StageContext, stage: Stage, done: int, previous: object
    ) -> Generator[Step]:
        growing = Growing(context, stage, self.reporter, run=self._run, outlast=self._through_outages)
        if stage.size is None:
            yield from growing.generated(previous, len(self._through_outages(context, context.kept)))
            return
        select = stage.over
        items = self._through_outages(context, lambda: listed(select(context, previous) if select else previous))
        if done > len(items):
            checkpoints.refuse(stage.name, "there are fewer items than were done")
        yield from growing.batches(items, done)

    def _run(self, context: StageContext, stage: Stage, value: object) -> object:
        return self._through_outages(context, lambda: plain(self._called(context, stage, value), stage.name))

    def _called(self, context: StageContext, stage: Stage, value: object) -> object:
        """What the stage's function returns; that of an ``async def`` when it is awaited."""
        returned = stage.run(context, value)
        if not inspect.iscoroutine(returned):
            return returned
        return self.services.loop.run(returned, lambda: self.stops.cancel)

    def _through_outages(self, context: StageContext, act: Callable[[], T]) -> T:
        """A stage that loses the database or the storage is begun again: an outage is not an error of the job."""
        savepoint = context.savepoint()
        while True:
            try:
                return act()
            except StorageUnavailable as away:
                context.rollback_to(savepoint)
                self._away.wait(away, context.check_interrupt)
            except StoreUnavailable as away:
                self.log("warning", context.stage.name, f"{away}; the stage starts again when it is back")
                context.rollback_to(savepoint)
                clock.sleep(RESEND_EVERY)

    def _finish(
        self,
        checkpoints: CheckpointLog,
        context: StageContext,
        segment: checkpoint.Segment,
        value: object,
        *,
        last: bool,
    ) -> _Last | None:
        """Keeps a stage's result. The last one goes out with the outcome, unless it changed something on the way."""
        if last and not context.has_effects and not self.stops.cancel:
            return _Last(value)
        checkpoints.keep(segment.stage, value)
        self._commit(checkpoints, context, segment)
        return _Last(value) if last else None

    def _save(self, checkpoints: CheckpointLog, context: StageContext, value: object) -> None:
        """A checkpoint inside a stage: not complete, and counted, as those of batches are."""
        stage = context.stage.name
        before = checkpoints.inside(stage)
        checkpoints.supersede(stage)
        done = before.done + 1 if before else 1
        self._commit(checkpoints, context, checkpoint.Segment(stage, plain(value, stage), done, complete=False))

    def _stop_requested(self) -> bool:
        if self.stops.cancel:
            raise CancelNow
        return self.stops.pause or self.stops.release

    def _commit(self, checkpoints: CheckpointLog, context: StageContext, segment: checkpoint.Segment) -> None:
        """Bytes first, row second."""
        data = checkpoint.encode(segment)
        sha256 = checkpoint.digest(data)
        token, seq = self.job.token, checkpoints.next_seq
        key = checkpoint.key(token.job_id, token.lease_seq, token.lease_id, seq, segment.stage, sha256)
        self._away.outlast(lambda: self.services.storage.put(key, data), context.check_interrupt)
        record = Record(
            seq, segment.stage, segment.done, segment.complete, key, sha256, len(data), context.stage.pause_safe
        )  # fmt: skip
        status, cancel = self._record(checkpoints, context, record)
        checkpoints.add(record)
        context.clear()
        if status is not Status.PROCESSING:
            raise Settled
        if cancel:
            raise CancelNow
        if self.stops.release and context.stage.pause_safe:
            raise ReleaseNow

    def _record(self, checkpoints: CheckpointLog, context: StageContext, record: Record) -> tuple[Status, bool]:
        """Commits the row. After a lost answer the row itself shows whether it happened."""
        token = self.job.token
        sent = False

        def send() -> tuple[Status, bool]:
            nonlocal sent
            if sent:
                found = self.commits.committed(token, record)
                if found is None or not (found.recorded or found.ours):
                    raise LeaseLost
                if found.recorded:
                    return found.status, found.cancel
            sent = True
            return self.commits.commit_stage(
                token, record, progress=self.reporter.snapshot(), entity=context.entity, forget=checkpoints.dropped,
                follow_up=context.follow_up, work=context.work,
            )  # fmt: skip

        return self._until_available(send)

    def _until_available(self, act: Callable[[], T]) -> T:
        """Until the database answers: losing it is not losing the job. The supervisor ends this process when the lease is lost."""
        while True:
            try:
                return act()
            except StoreUnavailable:
                clock.sleep(RESEND_EVERY)
