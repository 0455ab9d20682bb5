"""Creates jobs: options, validation, input files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from jobctl.client.base import Base
from jobctl.client.input_files import open_regular, store
from jobctl.client.new_jobs import Model, OptionFields, Options, new_job, unvalidated_job
from jobctl.core.errors import IllegalTransition, UnknownJobType, UsageError
from jobctl.core.job import NewJob, Submitted
from jobctl.core.pipeline import Pipeline
from jobctl.core.trace_context import traced

if TYPE_CHECKING:
    from jobctl.postgres.caller import CallerConnection
    from jobctl.postgres.queue import Queue

BATCH = 1000
"""Jobs that are created by one statement."""


class Submission(Base):
    """Creates jobs."""

    def submit(
        self,
        job_type: str,
        data: Mapping[str, object] | Model | None = None,
        options: Options | None = None,
        *,
        connection: CallerConnection | None = None,
        **fields: Unpack[OptionFields],
    ) -> Submitted:
        """Creates a job: type known, input valid, input files taken into the storage.

        ``data`` is the input, as a mapping or a model; ``fields`` are those of ``Options``: ``priority="high"``. With the
        ``connection`` of the caller (psycopg, or a Connection or Session of SQLAlchemy) the job is created in the
        caller's transaction, and exists once that is committed.

        Raises ``UnknownJobType``, ``InvalidArguments`` with every bad field, ``JobNotFound`` for a job in ``after``, and
        ``IllegalTransition`` where the key is taken and ``on_conflict`` is "error".
        """
        if data is not None and not isinstance(data, Mapping):
            data = data.model_dump(mode="json", exclude_none=True)
        chosen = replace(options or Options(), **fields)
        return self.submit_all([(job_type, data or {}, chosen)], connection=connection)[0]

    def submit_all(
        self,
        requests: Iterable[tuple[str, Mapping[str, object], Options]],
        *,
        dry_run: bool = False,
        connection: CallerConnection | None = None,
    ) -> list[Submitted]:
        """Creates jobs in one transaction, ids in order: all of them or none. ``connection``: see ``submit``.

        Requests are taken one by one and written in batches, so that any number fits in memory.
        """
        queue = self.queue if connection is None else self._caller_queue(connection)
        numbered = enumerate(requests)
        batch = self._prepared(numbered, take=not dry_run)
        strict = any(options.on_conflict == "error" for _, options in batch)
        answers: list[Submitted] = []
        # one statement is a transaction anyway
        several = dry_run or strict or len(batch) == BATCH or connection is not None
        with queue.transaction(dry_run=dry_run) if several else nullcontext():
            while batch:
                answers += self._create(queue, batch)
                batch = self._prepared(numbered, take=not dry_run) if len(batch) == BATCH else []
        return answers

    def _caller_queue(self, connection: CallerConnection) -> Queue:
        if self._borrow is None:
            raise UsageError("this client submits on its own connection only", hint="jobctl.connect()")
        return self._borrow(connection, self.user)

    def _prepared(
        self, requests: Iterator[tuple[int, tuple[str, Mapping[str, object], Options]]], *, take: bool
    ) -> list[tuple[NewJob, Options]]:
        prepared = []
        context = self._trace()
        for number, request in islice(requests, BATCH):
            try:
                prepared.append((traced(self._prepare(*request, take=take), context), request[2]))
            except UsageError as error:
                error.request = number
                raise
        return prepared

    def _create(self, queue: Queue, batch: Sequence[tuple[NewJob, Options]]) -> list[Submitted]:
        self._known((dependency for job, _ in batch for dependency in job.after), queue)
        answers = queue.submit([job for job, _ in batch])
        for (_, options), answer in zip(batch, answers, strict=True):
            if not answer.created and options.on_conflict == "error":
                raise IllegalTransition(
                    f"job {answer.id} has the key {options.key!r} and is not finished",
                    hint=f"jobctl show {answer.id}",
                )
        return answers

    def _prepare(self, job_type: str, data: Mapping[str, object], options: Options, *, take: bool) -> NewJob:
        if options.notify is None and self._notify_url:
            options = replace(options, notify=self._notify_url)
        try:
            pipeline = self._load(job_type)
        except UnknownJobType:
            if not self._unknown_types:
                raise
            return unvalidated_job(job_type, data, options, created_by=self.user, retries=self._retries_of)
        job = new_job(pipeline, data, options, created_by=self.user, retries=self._retries_of, library=self.queue)
        inputs = self._take_in(pipeline, job.input_data) if take else {}
        return replace(job, metadata={**job.metadata, "inputs": inputs}) if inputs else job

    def _take_in(self, pipeline: Pipeline, data: Mapping[str, object]) -> dict[str, object]:
        """Puts input files into the storage under their hash, so that any worker can run the job."""
        taken: dict[str, object] = {}
        for name in pipeline.input_files:
            for path in _paths(data.get(name)):
                with open_regular(path, name, empty=pipeline.allowed_by is not None) as stream:
                    taken[str(path)] = store(self._storage(), stream, path, name)
        return taken


def _paths(value: object) -> list[Path]:
    """The paths in a field of an input: one, a list, or the values of an object."""
    if isinstance(value, Mapping):
        return [Path(str(path)) for path in value.values()]
    if isinstance(value, list):
        return [Path(str(path)) for path in value]
    return [Path(str(value))] if value else []
