"""One attempt at one job, from its newest valid checkpoint to an outcome. Runs in a child."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from jobctl.core import checkpoint
from jobctl.core.attempt import Claimed, Outcome, Record, Token
from jobctl.core.errors import CancelNow, LeaseLost, PauseNow, ReleaseNow, StorageUnavailable, StoreUnavailable
from jobctl.core.job import NewJob
from jobctl.core.lifecycle import Ending, Status
from jobctl.core.pipeline import Pipeline, Stage
from jobctl.core.ports import Stops
from jobctl.core.retry import backoff, failure
from jobctl.core.rows import Committed
from jobctl.worker.chain import Chain, Unreadable
from jobctl.worker.context import Logs, StageContext, Ticker, Tools

T = TypeVar("T")
SAVE_EVERY = 2.0
"""Seconds between two partial checkpoints of a stage that works in batches."""
RESEND_EVERY = 1.0
"""Seconds between two tries to commit while the database is away; the supervisor's freeze ends this, or the lease."""


class Commits(Protocol):
    """What an attempt needs of the queue."""

    def commit_stage(
        self,
        token: Token,
        record: Record,
        *,
        progress: Mapping[str, Any] | None = None,
        entity: tuple[str, str] | None = None,
        forget: Sequence[int] = (),
        follow_up: Sequence[NewJob] = (),
        work: Callable[[Any], None] | None = None,
    ) -> tuple[Status, bool]: ...
    def committed(self, token: Token, record: Record) -> Committed | None: ...
    def warn(self, token: Token, kind: str, **detail: Any) -> None: ...


class Settled(Exception):
    """The commit of a stage paused the job."""


class Attempt:
    """Runs the stages of one claimed job."""

    def __init__(
        self, job: Claimed, tools: Tools, commits: Commits, stops: Stops, *, tell: Callable[[dict[str, Any]], None],
        log: Logs, caught: Callable[[BaseException], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self.job = job
        self.tools = tools
        self.commits = commits
        self.stops = stops
        self.log = log
        self._caught = caught  # a test wants the exception itself
        self.ticker = Ticker(tell, float(job.progress.get("percent") or 0.0))

    def run(self) -> Outcome | None:
        """The outcome, or None when the last commit has settled the job already, or the lease is lost."""
        try:
            return self._outcome(Ending.COMPLETED, output=self._stages())
        except (Settled, LeaseLost):
            return None
        except PauseNow:
            return self._outcome(Ending.PAUSED)
        except CancelNow:
            return self._outcome(Ending.CANCELLED)
        except ReleaseNow:
            return self._outcome(Ending.RELEASED)
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # whatever a handler does ends as its failure
            return self._failed(error)

    def _outcome(self, kind: Ending, **more: Any) -> Outcome:
        if kind is Ending.COMPLETED:
            self.ticker.finish()
        return Outcome(self.job.token, kind, progress=self.ticker.snapshot(), **more)

    def _failed(self, error: BaseException) -> Outcome:
        self._caught(error)
        problem = failure(error)
        delay = problem.retry_in
        if delay is None:
            delay = backoff(self.job.retry_count, random.random())  # noqa: S311 - jitter, not a secret
        retry_after = delay if self.tools.auto_retry else None
        return self._outcome(Ending.FAILED, failure=problem, retry_after=retry_after)

    def _stages(self) -> Any:
        pipeline = self.tools.load(self.job.job_type)
        args = pipeline.validate(self.job.input_data)
        chain = Chain(pipeline, self.tools.storage, self.job.records)
        result: Any = None
        while True:
            try:
                position = chain.position()
                if position.stage >= len(pipeline.stages):
                    return _output(chain.value(pipeline.stages[-1].name))
                before = pipeline.stages[position.stage - 1].name if position.stage else None
                previous = chain.value(before) if before else args
                result = self._stage(pipeline, chain, position.stage, position.done, args, previous)
                if result is not None:
                    return result.value
            except Unreadable as bad:
                self._fall_back(chain, bad)

    def _fall_back(self, chain: Chain, bad: Unreadable) -> None:
        """Damage is said in the history, and costs only what came after the newest valid checkpoint."""
        chain.cut(bad.record)
        self.log("warning", bad.record.stage, f"checkpoint of {bad.record.stage} can't be used: {bad.reason}")
        said = {"stage": bad.record.stage, "path": bad.record.path, "reason": bad.reason}
        self._patiently(lambda: self.commits.warn(self.job.token, "checkpoint_unusable", **said))

    def _stage(self, pipeline: Pipeline, chain: Chain, index: int, done: int, args: Any, previous: Any) -> _Last | None:
        stage = pipeline.stages[index]
        context = StageContext(self.job, self.tools, self.stops, self.ticker, self.log, chain, stage, args)
        self.ticker.begin(stage, *pipeline.span(index))
        context.checkpoint()
        last = index == len(pipeline.stages) - 1
        if stage.size is None:
            value = self._run(context, stage, previous)
            segment = checkpoint.Segment(stage.name, value, 0, complete=True)
            return self._finish(chain, context, segment, value, last=last)
        return self._batches(chain, context, stage, done, previous, last=last)

    def _batches(
        self, chain: Chain, context: StageContext, stage: Stage, done: int, previous: Any, *, last: bool
    ) -> _Last | None:
        items = self._through_outages(context, lambda: list(stage.over(context, previous) if stage.over else previous))
        if done > len(items):
            chain.refuse(stage.name, "there are fewer items than were done")
        results = chain.partial(stage.name) if done else []
        fresh: list[Any] = []
        saved = time.monotonic()
        size = stage.size or 1
        self.ticker.count(stage, context.noun, done, len(items))
        while done < len(items):
            fresh += self._run(context, stage, items[done : done + size])
            done = min(done + size, len(items))
            self.ticker.count(stage, context.noun, done, len(items))
            if done < len(items) and (self._asked() or time.monotonic() - saved >= SAVE_EVERY):
                self._commit(chain, context, checkpoint.Segment(stage.name, fresh, done, complete=False))
                results += fresh
                fresh, saved = [], time.monotonic()
        segment = checkpoint.Segment(stage.name, fresh, done, complete=True)
        return self._finish(chain, context, segment, results + fresh, last=last)

    def _run(self, context: StageContext, stage: Stage, given: Any) -> Any:
        return self._through_outages(context, lambda: checkpoint.plain(stage.run(context, given), stage.name))

    def _through_outages(self, context: StageContext, act: Callable[[], T]) -> T:
        """A stage that loses the database while it reads is begun again: the outage is no error of the job."""
        writes = context.mark()
        while True:
            try:
                return act()
            except StorageUnavailable:
                raise
            except StoreUnavailable as away:
                self.log("warning", context.stage.name, f"{away}; the stage goes on when it is back")
                context.back_to(writes)
                time.sleep(RESEND_EVERY)

    def _finish(
        self, chain: Chain, context: StageContext, segment: checkpoint.Segment, value: Any, *, last: bool
    ) -> _Last | None:
        """Keeps a stage's result. The last one goes out with the outcome, unless it changed something on the way."""
        if last and not context.has_effects and not self.stops.cancel:
            return _Last(_output(value))
        chain.keep(segment.stage, value)
        self._commit(chain, context, segment)
        return _Last(_output(value)) if last else None

    def _asked(self) -> bool:
        if self.stops.cancel:
            raise CancelNow
        return self.stops.pause or self.stops.release

    def _commit(self, chain: Chain, context: StageContext, segment: checkpoint.Segment) -> None:
        """Bytes first, row second."""
        data = checkpoint.encode(segment)
        sha256 = checkpoint.digest(data)
        token = self.job.token
        key = checkpoint.key(token.job_id, token.lease_seq, token.lease_id, chain.next_seq, segment.stage, sha256)
        self.tools.storage.put(key, data)
        record = Record(
            chain.next_seq,
            segment.stage,
            segment.done,
            segment.complete,
            key,
            sha256,
            len(data),
            context.stage.pause_safe,
        )
        status, cancel = self._record(chain, context, record)
        chain.add(record)
        context.clear()
        if status is not Status.PROCESSING:
            raise Settled
        if cancel:
            raise CancelNow
        if self.stops.release and context.stage.pause_safe:
            raise ReleaseNow

    def _record(self, chain: Chain, context: StageContext, record: Record) -> tuple[Status, bool]:
        """Commits the row. After a lost answer the row itself says whether it happened."""
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
                token, record, progress=self.ticker.snapshot(), entity=context.entity, forget=chain.dropped,
                follow_up=context.follow_up, work=context.work,
            )  # fmt: skip

        return self._patiently(send)

    def _patiently(self, act: Callable[[], T]) -> T:
        """Until the database answers: losing it is not losing the job. The supervisor ends us when the lease is lost."""
        while True:
            try:
                return act()
            except StoreUnavailable:
                time.sleep(RESEND_EVERY)


@dataclass(frozen=True, slots=True)
class _Last:
    value: Any


def _output(value: Any) -> Any:
    """What is stored as the job's output: small plain data."""
    held = checkpoint.plain(value, "output", lambda data: {"bytes": len(data)})
    return held if len(repr(held)) <= 64 * 1024 else {"note": "the result is larger than 64 KiB"}
