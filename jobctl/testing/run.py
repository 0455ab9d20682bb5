"""Runs a pipeline without a database or a worker: the same attempt code, a recorder in place of the queue."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from jobctl import wiring
from jobctl.core.attempt import Claimed, Outcome, Record, Token
from jobctl.core.job import NewJob
from jobctl.core.lifecycle import Ending, Status
from jobctl.core.pipeline import Pipeline
from jobctl.storage.local import LocalStorage
from jobctl.worker.attempt import Attempt
from jobctl.worker.child import Requests
from jobctl.worker.context import Tools


@dataclass
class Ran:
    """What became of the run: its output, what it said and what it would have submitted."""

    output: Any
    records: list[Record] = field(default_factory=list)
    progress: list[dict[str, Any]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    submitted: list[NewJob] = field(default_factory=list)


class _Recorder:
    """Stands where the queue stands: accepts every commit."""

    def __init__(self, ran: Ran) -> None:
        self._ran = ran

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
        self._ran.records.append(record)
        self._ran.submitted += follow_up
        return Status.PROCESSING, False

    def committed(self, token: Token, record: Record) -> None:
        """No answer is ever lost here."""

    def warn(self, token: Token, kind: str, **detail: Any) -> None:  # noqa: ARG002 - the queue's signature
        self._ran.log.append(f"{kind}: {detail}")


def run(
    pipeline: Pipeline, args: Mapping[str, Any], *, library: Any = None, input_roots: Sequence[Path] = (Path("/"),)
) -> Ran:
    """Runs all stages; gives the output. What the pipeline raises is raised here, with its traceback.

    Every stage's result goes through its checkpoint bytes, so that what can't be one fails here and not in production.
    """
    ran = Ran(None)
    with tempfile.TemporaryDirectory(prefix="jobctl-testing-") as folder:
        held = wiring.settings({}, {"JOBCTL_HOME": folder, "HOME": folder})
        tools = Tools(
            storage=LocalStorage(Path(folder) / "storage"), library=lambda _: library, reader=lambda: library,
            load=lambda _: pipeline, request=partial(wiring.request, held), workspace=Path(folder), input_roots=tuple(input_roots),
            settings=held.values, plugin=lambda kind, name: wiring.plugin(held, {}, kind, name),
        )  # fmt: skip
        payload = pipeline.validate(args).model_dump(mode="json", exclude_none=True)
        token = Token(1, 1, str(uuid.uuid4()))
        job = Claimed(token, pipeline.name, "", "default", 2, datetime.now(UTC), payload, {}, 0, 0, {})
        raised: list[BaseException] = []
        attempt = Attempt(
            job, tools, _Recorder(ran), Requests(), tell=ran.progress.append,
            log=lambda level, stage, text: ran.log.append(f"{level} {stage}: {text}"), caught=raised.append,
        )  # fmt: skip
        outcome = attempt.run()
    if raised:
        raise raised[0]
    if isinstance(outcome, Outcome) and outcome.kind is Ending.COMPLETED:
        ran.output = outcome.output
    return ran
