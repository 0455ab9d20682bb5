"""Creates jobs: options, validation, input files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from jobctl.client.base import Base
from jobctl.client.input_files import open_regular, store
from jobctl.core.bounds import MAX_INPUT, MAX_LEVELS, too_deep
from jobctl.core.errors import IllegalTransition, InvalidArguments, UsageError
from jobctl.core.job import PRIORITIES, NewJob, Submitted
from jobctl.core.pipeline import Pipeline

TITLE_CAP = 512
NAME_CAP = 512
"""Characters of a queue, a key or a label: it must fit an entry of an index."""
YEARS = range(2000, 2200)
"""In which a job may be due: an instant near the ends of the calendar can be written to a row and not read again."""
FOREVER = 100 * 365.25 * 86_400
"""Seconds that nobody waits."""
MOST_RETRIES = 10_000
BATCH = 1000
"""Jobs that are created by one statement."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a job is to be queued, apart from its input."""

    title: str | None = None
    queue: str = "default"
    priority: str = "normal"
    max_retries: int | None = None
    delay: float = 0.0
    at: datetime | None = None
    after: tuple[int, ...] = ()
    labels: Mapping[str, str] | None = None
    key: str | None = None
    on_conflict: str = "return"  # return skip error
    reserved: float = 0.0
    """Seconds for which only a worker that was started for this very job may take it."""


class Submission(Base):
    """Creates jobs."""

    def submit(self, job_type: str, data: Mapping[str, Any], options: Options | None = None) -> Submitted:
        """Creates a job: type known, input valid, input files taken into the storage."""
        return self.submit_all([(job_type, data, options or Options())])[0]

    def submit_all(
        self, requests: Iterable[tuple[str, Mapping[str, Any], Options]], *, dry_run: bool = False
    ) -> list[Submitted]:
        """Creates jobs in one transaction, ids in order: all of them or none.

        Requests are taken one by one and written in batches, so that any number fits in memory.
        """
        given = enumerate(requests)
        batch = self._prepared(given, take=not dry_run)
        strict = any(options.on_conflict == "error" for _, options in batch)
        answers: list[Submitted] = []
        # one statement is a transaction anyway
        whole = self.queue.transaction(dry_run=dry_run) if dry_run or strict or len(batch) == BATCH else nullcontext()
        with whole:
            while batch:
                answers += self._create(batch)
                batch = self._prepared(given, take=not dry_run) if len(batch) == BATCH else []
        return answers

    def _prepared(
        self, requests: Iterator[tuple[int, tuple[str, Mapping[str, Any], Options]]], *, take: bool
    ) -> list[tuple[NewJob, Options]]:
        prepared = []
        for number, request in islice(requests, BATCH):
            try:
                prepared.append((self._prepare(*request, take=take), request[2]))
            except UsageError as error:
                error.request = number
                raise
        return prepared

    def _create(self, batch: Sequence[tuple[NewJob, Options]]) -> list[Submitted]:
        self._known(dependency for job, _ in batch for dependency in job.after)
        answers = self.queue.submit([job for job, _ in batch])
        for (_, options), answer in zip(batch, answers, strict=True):
            if not answer.created and options.on_conflict == "error":
                raise IllegalTransition(
                    f"job {answer.id} has the key {options.key!r} and is not finished",
                    hint=f"jobctl show {answer.id}",
                )
        return answers

    def _prepare(self, job_type: str, data: Mapping[str, Any], options: Options, *, take: bool) -> NewJob:
        pipeline = self._load(job_type)
        job = new_job(pipeline, data, options, created_by=self.user, retries=self._retries_of)
        inputs = self._take_in(pipeline, job.input_data) if take else {}
        metadata = dict(job.metadata) | ({"inputs": inputs} if inputs else {})
        return NewJob(**{name: getattr(job, name) for name in NewJob.__dataclass_fields__} | {"metadata": metadata})

    def _take_in(self, pipeline: Pipeline, data: Mapping[str, Any]) -> dict[str, Any]:
        """Puts input files into the storage under their hash, so that any worker can run the job."""
        taken: dict[str, Any] = {}
        for name in pipeline.input_files:
            for path in _paths(data.get(name)):
                with open_regular(path, name, empty=pipeline.allowed_by is not None) as stream:
                    taken[str(path)] = store(self._storage(), stream, path, name)
        return taken


def _paths(value: object) -> list[Path]:
    """The paths in a field of an input: one, a list, or the values of an object."""
    if isinstance(value, Mapping):
        return [Path(path) for path in value.values()]
    if isinstance(value, list):
        return [Path(path) for path in value]
    return [Path(str(value))] if value else []


def new_job(
    pipeline: Pipeline, data: Mapping[str, Any], options: Options, *, created_by: str, retries: Mapping[str, int]
) -> NewJob:
    """A validated job, ready for the queue. Raises ``InvalidArguments``."""
    if too_deep(data):
        problem = f"input: nested deeper than {MAX_LEVELS} levels"
        raise InvalidArguments(f"{pipeline.name}: {problem}", [problem])
    args = pipeline.validate(data)
    payload = args.model_dump(mode="json", exclude_none=True)
    if len(json.dumps(payload, ensure_ascii=False).encode("utf-8", "surrogatepass")) > MAX_INPUT:
        raise InvalidArguments(f"{pipeline.name}: the input is larger than 64 KiB", ["input: larger than 64 KiB"])
    if options.priority not in PRIORITIES:
        raise UsageError(f"unknown priority {options.priority!r}", hint=f"one of: {', '.join(PRIORITIES)}")
    if not 0.0 <= options.delay < FOREVER:
        raise UsageError(f"invalid delay: {options.delay:g}s", hint="0 seconds to 100 years")
    tries = retries.get(pipeline.name, pipeline.max_retries) if options.max_retries is None else options.max_retries
    if not 0 <= tries <= MOST_RETRIES:
        raise UsageError(f"invalid number of retries: {tries}", hint=f"0 to {MOST_RETRIES}")
    _refuse_unfit(options)
    title = options.title if options.title is not None else pipeline.title(args)
    mode = pipeline.mode(args)
    return NewJob(
        job_type=pipeline.name,
        input_data=payload,
        title=title.replace("\x00", "").encode("utf-8", "replace").decode()[:TITLE_CAP],
        queue=options.queue,
        priority=PRIORITIES[options.priority],
        labels=dict(options.labels or {}),
        key=options.key,
        concurrency_key=pipeline.key(args),
        created_by=created_by,
        delay=options.delay,
        run_after=options.at,
        metadata={"label": pipeline.label, "stages": [stage.name for stage in pipeline.stages]}
        | ({"mode": mode} if mode else {})
        | ({"reserved_s": options.reserved} if options.reserved else {}),
        max_retries=tries,
        after=options.after,
    )


def _refuse_unfit(options: Options) -> None:
    """Raises ``UsageError`` for names and times that a row could hold and nobody could use."""
    labels = options.labels or {}
    for what, text in (("queue", options.queue), ("key", options.key), *(("label", part) for part in labels)):
        if text is not None and not 0 < len(text) <= NAME_CAP:
            raise UsageError(f"the {what} is {'too long' if text else 'empty'}", hint=f"1 to {NAME_CAP} characters")
    if not all(isinstance(value, str) and len(value) <= NAME_CAP for value in labels.values()):
        raise UsageError("the value of a label is not text, or too long", hint=f"Up to {NAME_CAP} characters")
    if options.at is not None and options.at.year not in YEARS:
        raise UsageError(f"no job can be due in {options.at:%Y}", hint=f"From {YEARS[0]} to {YEARS[-1]}")
