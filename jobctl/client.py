"""The use cases: what people, cron and Python callers do with jobs. The command line is its first customer."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, assert_never

from jobctl.core import result
from jobctl.core.attempt import StoredResult
from jobctl.core.bounds import MAX_INPUT, MAX_LEVELS, too_deep
from jobctl.core.checkpoint import digest, lease_seq_of
from jobctl.core.errors import (
    CheckpointCorrupt,
    CheckpointMissing,
    ConfigError,
    IllegalTransition,
    InvalidArguments,
    JobNotFound,
    UsageError,
)
from jobctl.core.job import PRIORITIES, Answer, Filters, Job, NewJob, Submitted
from jobctl.core.keys import source_key
from jobctl.core.lifecycle import DONE, Standing, Status, actions, reachable
from jobctl.core.names import span
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Storage
from jobctl.core.rows import Dependency, Reached, References, Stats
from jobctl.core.server import Blocker, Effective, Health

TITLE_CAP = 512
NAME_CAP = 512
"""Characters of a queue, a key or a label: it must fit an entry of an index."""
YEARS = range(2000, 2200)
"""In which a job may be due: an instant near the ends of the calendar can be written to a row and not read again."""
POLL = 0.25
"""Seconds between two looks of a wait."""
FOREVER = 100 * 365.25 * 86_400
"""Seconds that nobody waits."""
MOST_RETRIES = 10_000
BATCH = 1000
"""Jobs that are created by one statement."""


class Rows(Protocol):
    """What the client needs of the queue (``postgres.queue.Queue``)."""

    actor: str

    @property
    def login(self) -> str: ...
    def transaction(self, *, rehearse: bool = False) -> Any: ...
    def submit(self, new: Sequence[NewJob]) -> list[Submitted]: ...
    def find(
        self, filters: Filters, *, limit: int | None = None, sort: str = "id", full: bool = False
    ) -> list[Job]: ...
    def count(self, filters: Filters, *, cap: int = 10_000) -> int: ...
    def statuses(self, ids: Sequence[int]) -> dict[int, Status]: ...
    def reached_since(self, ids: Sequence[int], statuses: Sequence[str], since: datetime | None) -> Reached: ...
    def references(self, ids: Sequence[int]) -> list[References]: ...
    def dependencies(self, job_id: int) -> list[Dependency]: ...
    def stats(self, *, since: datetime | None, types: Sequence[str] | None, queue: str | None) -> Stats: ...
    def health(self) -> Health: ...
    def pause(self, ids: Sequence[int], *, reason: str | None = None) -> list[dict[str, Any]]: ...
    def resume(self, ids: Sequence[int], *, from_start: bool = False) -> list[dict[str, Any]]: ...
    def retry(self, ids: Sequence[int]) -> list[dict[str, Any]]: ...
    def restart(self, ids: Sequence[int]) -> list[dict[str, Any]]: ...
    def cancel(self, ids: Sequence[int], *, reason: str | None = None) -> list[dict[str, Any]]: ...
    def delete(self, ids: Sequence[int]) -> list[dict[str, Any]]: ...
    def checkpoints(self, ids: Sequence[int]) -> list[dict[str, Any]]: ...
    def events(self, ids: Sequence[int] | None, *, after: int = 0, limit: int = ...) -> list[dict[str, Any]]: ...
    def logs(
        self, job_id: int, *, after: int = 0, stage: str | None = None, attempt: int | None = None, tail: int = ...
    ) -> list[dict[str, Any]]: ...
    def prune(self, *, age: float, limit: int = 1000) -> list[dict[str, Any]]: ...
    def prune_results(self, *, age: float, limit: int = 1000) -> list[dict[str, Any]]: ...
    def make_due(self, *, limit: int = ...) -> int: ...
    def rescue(self, *, limit: int = 100) -> list[dict[str, Any]]: ...
    def requeue(self, *, limit: int = 100) -> list[dict[str, Any]]: ...
    def wake_keys(self, keys: Iterable[str | None] | None) -> int: ...
    def wake_dependents(self, ids: Sequence[int] | None) -> int: ...
    def workers(self, *, everyone: bool = False) -> list[dict[str, Any]]: ...
    def drain_workers(self, names: Sequence[str]) -> list[dict[str, Any]]: ...
    def hold(self, kind: str, name: str, *, reason: str = "") -> dict[str, Any]: ...
    def unhold(self, kind: str, name: str) -> dict[str, Any]: ...
    def holds(self) -> list[dict[str, Any]]: ...
    def blockers(self, *, idle: float) -> list[Blocker]: ...
    def effective(self) -> Effective: ...
    def close(self) -> None: ...


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


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did: ids that were requeued, ids that were rescued."""

    requeued: tuple[int, ...]
    rescued: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many checkpoints and stored results of ended jobs, and how many files without an owner, were removed."""

    checkpoints: int
    orphans: int
    results: int = 0


@dataclass(frozen=True, slots=True)
class Waited:
    """How a wait ended. ``reason``: reached, failed, cancelled, unreachable, timeout; by job."""

    statuses: dict[int, Status]
    reasons: dict[int, str]


@dataclass(frozen=True, slots=True)
class Verified:
    """The bytes of one checkpoint, or of the result, against what was recorded."""

    job_id: int
    seq: int | None  # None: the result
    stage: str
    path: str
    verdict: str  # ok missing corrupt


class Client:
    """Jobs in one database. Get one from ``jobctl.wiring.connect()``.

    ``load`` gives the Pipeline of a name and raises ``UnknownJobType``; ``retries`` overrules ``max_retries`` of a type;
    without ``pausing`` nobody can pause, and what is paused can still be resumed.
    """

    def __init__(
        self,
        queue: Rows,
        *,
        storage: Callable[[], Storage],
        load: Callable[[str], Pipeline],
        user: str = "",
        pausing: bool = True,
        retries: Mapping[str, int] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.queue = queue
        self._storage = storage
        self._load = load
        self.user = user
        self._pausing = pausing
        self._retries_of = dict(retries or {})
        self._sleep = sleep
        self._monotonic = monotonic
        queue.actor = user

    def close(self) -> None:
        """Closes the connection."""
        self.queue.close()

    # -- submit --------------------------------------------------------------------------------------------------

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
        whole = self.queue.transaction(rehearse=dry_run) if dry_run or strict or len(batch) == BATCH else nullcontext()
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
            path = data.get(name)
            if not path:
                continue
            with open_regular(Path(path), name) as stream:
                taken[str(path)] = self._store(stream, Path(path), name)
        return taken

    def _store(self, stream: BufferedReader, path: Path, field: str) -> dict[str, Any]:
        """Puts an open file into the storage under the hash of its bytes."""
        before = _version(stream)
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        size = stream.tell()
        key = source_key(sha256)
        storage = self._storage()
        if not storage.exists(key):
            stream.seek(0)
            storage.put_file(key, stream)
            if _version(stream) != before:  # the bytes under the key may not be those that were hashed
                storage.delete(key)
                raise _unusable(field, f"it changes while it is read: {path}")
        return {"key": key, "sha256": sha256, "size": size, "name": path.name}

    def _known(self, ids: Iterable[int]) -> None:
        wanted = sorted(set(ids))
        missing = set(wanted) - self.queue.statuses(wanted).keys() if wanted else set()
        if missing:
            raise JobNotFound(f"no such job: {', '.join(map(str, sorted(missing)))}", hint="jobctl list")

    # -- look ----------------------------------------------------------------------------------------------------

    def get(self, job_id: int, *, full: bool = True) -> Job:
        """One job. Raises ``JobNotFound``."""
        found = self.queue.find(Filters(ids=(job_id,)), full=full)
        if not found:
            raise JobNotFound(f"no such job: {job_id}", hint="jobctl list")
        return found[0]

    def find(self, filters: Filters, *, limit: int | None = 50, sort: str = "id", full: bool = False) -> list[Job]:
        """Jobs that match, newest first."""
        return self.queue.find(filters, limit=limit, sort=sort, full=full)

    def pages(self, filters: Filters, *, size: int = 1000, full: bool = False) -> Iterator[Job]:
        """All jobs that match, newest first, in constant memory."""
        below = filters.before
        while True:
            narrowed = Filters(**{n: getattr(filters, n) for n in Filters.__dataclass_fields__} | {"before": below})
            page = self.queue.find(narrowed, limit=size, full=full)
            yield from page
            if len(page) < size:
                return
            below = page[-1].id

    def count(self, filters: Filters) -> int:
        """How many match, counted up to 10,000."""
        return self.queue.count(filters)

    def events(self, ids: Sequence[int] | None, *, after: int = 0, limit: int = 10_000) -> list[dict[str, Any]]:
        """History: every change of status, request, checkpoint and warning."""
        return self.queue.events(ids, after=after, limit=limit)

    def logs(
        self, job_id: int, *, after: int = 0, stage: str | None = None, attempt: int | None = None, tail: int = 10_000
    ) -> list[dict[str, Any]]:
        """What the job's handler logged."""
        return self.queue.logs(job_id, after=after, stage=stage, attempt=attempt, tail=tail)

    def checkpoints(self, job_id: int) -> list[dict[str, Any]]:
        """What is recorded, in order."""
        return self.queue.checkpoints([job_id])

    def newest(self) -> int:
        """The id behind ``@last``: the newest job this user submitted."""
        found = self.queue.find(Filters(created_by=self.user), limit=1) or self.queue.find(
            Filters(created_by=self.queue.login), limit=1
        )
        if not found:
            raise JobNotFound("@last: you have not submitted a job yet", hint="jobctl submit --help")
        return found[0].id

    def verify(self, ids: Sequence[int]) -> list[Verified]:
        """Reads recorded checkpoints and stored results, and compares hashes before anyone needs them."""
        checked = [
            Verified(row["job_id"], row["seq"], row["stage"], row["path"], self._verdict(row))
            for row in self.queue.checkpoints(ids)
        ]
        for job in self.queue.find(Filters(ids=tuple(ids))) if ids else ():
            if job.result_path:
                facts = {"path": job.result_path, "sha256": job.result_sha256, "size": job.result_size}
                checked.append(Verified(job.id, None, "result", job.result_path, self._verdict(facts)))
        return sorted(checked, key=lambda found: (found.job_id, found.seq is None, found.seq))

    def _verdict(self, row: Mapping[str, Any]) -> str:
        try:
            good = digest(self._storage().get(row["path"], max_bytes=row["size"])) == row["sha256"]
        except (CheckpointMissing, ValueError):  # a path that no storage can have was not written by a worker
            return "missing"
        except CheckpointCorrupt:
            return "corrupt"
        return "ok" if good else "corrupt"

    # -- results -------------------------------------------------------------------------------------------------

    def result(self, job_id: int) -> Any:
        """What the last stage of a completed job returned, bytes as bytes.

        Raises ``JobNotFound``, ``IllegalTransition`` while it is not completed, ``CheckpointMissing`` where the bytes are
        gone and ``CheckpointCorrupt`` where they are not those that were written.
        """
        return result.decode(self.result_json(job_id))

    def result_json(self, job_id: int) -> bytes:
        """The result as JSON in UTF-8. Raises what ``result`` raises."""
        return self.result_json_of(self.get(job_id))

    def result_json_of(self, job: Job) -> bytes:
        """The result of a job that was read in full."""
        match job.result_location:
            case None:
                raise IllegalTransition(f"job {job.id} has no result: it is {job.status}", hint=f"jobctl wait {job.id}")
            case "pruned":
                raise CheckpointMissing(
                    f"the result of job {job.id} was removed by prune ({job.result_size:,} bytes)",
                    hint=f"jobctl restart {job.id}",
                )
            case "row":
                return json.dumps(job.output_data, ensure_ascii=False, separators=(",", ":")).encode()
        stored = StoredResult(job.result_path or "", job.result_sha256 or "", job.result_size or 0)
        try:
            return result.load(stored, self._storage())
        except (CheckpointMissing, CheckpointCorrupt) as error:
            raise type(error)(f"job {job.id}: {error}", hint=f"jobctl restart {job.id}") from error

    # -- control -------------------------------------------------------------------------------------------------

    def pause(self, ids: Sequence[int], *, reason: str | None = None, dry_run: bool = False) -> list[Answer]:
        """Pauses pending jobs, requests it of running ones. Raises ``ConfigError`` where pausing is switched off."""
        if not self._pausing:
            raise ConfigError(
                "pausing is disabled by the setting pausing", hint="jobctl cancel, or jobctl queue pause NAME"
            )
        return self._control("pause", ids, dry_run, lambda: self.queue.pause(ids, reason=reason))

    def cancel(self, ids: Sequence[int], *, reason: str | None = None, dry_run: bool = False) -> list[Answer]:
        """Cancels jobs that do not run, requests it of running ones."""
        return self._control("cancel", ids, dry_run, lambda: self.queue.cancel(ids, reason=reason))

    def retry(self, ids: Sequence[int], *, dry_run: bool = False) -> list[Answer]:
        """Tries failed or cancelled jobs again, from the checkpoint."""
        return self._control("retry", ids, dry_run, lambda: self.queue.retry(ids))

    def restart(self, ids: Sequence[int], *, dry_run: bool = False) -> list[Answer]:
        """Runs ended jobs again from the first stage."""
        return self._control("restart", ids, dry_run, lambda: self.queue.restart(ids))

    def delete(self, ids: Sequence[int], *, dry_run: bool = False) -> list[Answer]:
        """Removes ended jobs, the bytes of their checkpoints and their results; documents and files they made stay."""
        answers: list[dict[str, Any]] = []

        def remove() -> list[dict[str, Any]]:
            answers.extend(self.queue.delete(ids))
            return answers

        result = self._control("delete", ids, dry_run, remove)
        if not dry_run:
            self._remove(path for row in answers if row["answer"] == "done" for path in row["paths"])
        return result

    def resume(self, ids: Sequence[int], *, from_start: bool = False, dry_run: bool = False) -> list[Answer]:
        """Continues from the checkpoint; one whose bytes are gone is refused unless ``from_start``."""
        lost = [] if from_start else self._without_bytes(ids)
        rest = [job_id for job_id in ids if job_id not in lost]
        answers = self._control("resume", rest, dry_run, lambda: self.queue.resume(rest, from_start=from_start))
        refused = [
            Answer(
                job_id, "refused", Status.PAUSED, f"cannot resume job {job_id}: its checkpoint is missing in the storage",
                f"jobctl resume {job_id} --from-start",
            )
            for job_id in lost
        ]  # fmt: skip
        order = {job_id: place for place, job_id in enumerate(ids)}
        return sorted(answers + refused, key=lambda answer: order[answer.id])

    def _without_bytes(self, ids: Sequence[int]) -> list[int]:
        paused = self.queue.find(Filters(ids=tuple(ids), statuses=(Status.PAUSED,)))
        return [job.id for job in paused if job.checkpoint_path and not self._storage().exists(job.checkpoint_path)]

    def _control(
        self,
        verb: str,
        ids: Sequence[int],
        dry_run: bool,  # noqa: FBT001 - private, always named by its place
        act: Callable[[], list[dict[str, Any]]],
    ) -> list[Answer]:
        with self._rehearsed(dry_run):
            rows = {row["id"]: row for row in act()} if ids else {}
        return [_answer(verb, job_id, rows.get(job_id)) for job_id in ids]

    def _rehearsed(self, dry_run: bool) -> Any:  # noqa: FBT001 - private
        """A transaction that is taken back for a dry run. Otherwise none: each verb is one statement, and holds no lock for the next."""
        return self.queue.transaction(rehearse=True) if dry_run else nullcontext()

    # -- wait ----------------------------------------------------------------------------------------------------

    def wait(
        self,
        ids: Sequence[int],
        *,
        until: Sequence[Status] = DONE,
        first: bool = False,
        timeout: float | None = None,
    ) -> Waited:
        """Blocks until all jobs (``first``: any) reached ``until``, or can't any more. ``timeout`` in seconds.

        A status that was passed through between two looks counts: the history decides, not the moment.
        """
        self._known(ids)
        fleeting = [str(status) for status in until if status not in DONE]
        since = self.queue.reached_since(ids, fleeting, None).now if fleeting else None
        deadline = None if timeout is None else self._monotonic() + timeout
        while True:
            statuses = self.queue.statuses(ids)
            passed = self.queue.reached_since(ids, fleeting, since).ids if fleeting else frozenset()
            reasons = dict.fromkeys(passed, "reached") | {
                i: r
                for i in ids
                if i not in passed and (r := _ended(statuses.get(i), until, self._retries(i, statuses)))
            }
            if len(reasons) == len(ids) or (first and reasons):
                return Waited(statuses, reasons)
            if deadline is not None and self._monotonic() >= deadline:
                return Waited(statuses, reasons | {i: "timeout" for i in ids if i not in reasons})
            self._sleep(POLL)

    def _retries(self, job_id: int, statuses: Mapping[int, Status]) -> bool:
        """Whether a failed job will be tried again by itself: then it has not ended."""
        if statuses.get(job_id) is not Status.FAILED:
            return False
        found = self.queue.find(Filters(ids=(job_id,)))
        # it may have moved on since its status was read: then the next look tells
        return bool(found) and (found[0].status is not Status.FAILED or found[0].next_retry_at is not None)

    # -- sweep, workers, holds -----------------------------------------------------------------------------------

    def sweep(self, *, limit: int = 1000, dry_run: bool = False) -> Swept:
        """Requeues what is due and rescues what is lost; any number of sweeps may run at once."""
        requeued: list[int] = []
        rescued: list[int] = []
        with self._rehearsed(dry_run):
            self.queue.make_due()
            for done, act in ((requeued, self.queue.requeue), (rescued, self.queue.rescue)):
                while len(done) < limit:
                    rows = act(limit=min(100, limit - len(done)))
                    done.extend(row["id"] for row in rows)
                    if not rows:
                        break
            self.queue.wake_dependents(None)
            self.queue.wake_keys(None)
        return Swept(tuple(requeued), tuple(rescued))

    def prune(self, *, older: float, results_older: float | None = None, dry_run: bool = False) -> Pruned:
        """Removes checkpoint bytes of jobs that ended ``older`` seconds ago, and bytes that nothing refers to.

        Stored results of jobs that were completed ``results_older`` seconds ago go too; None: they stay.

        Safe at any moment: the storage is listed before the database is asked, and what an attempt that is over has left
        behind can never be referred to again, because its token is void.
        """
        storage = self._storage()
        keys = sorted(storage.keys("jobs"), key=_job_of)
        forgotten: set[str] = set()
        results: set[str] = set()
        orphans = 0
        with self._rehearsed(dry_run):
            while rows := self.queue.prune(age=older):
                paths = [path for row in rows for path in row["paths"]]
                forgotten.update(paths)
                if not dry_run:
                    self._remove(paths)
            while results_older is not None and (rows := self.queue.prune_results(age=results_older)):
                results.update(row["path"] for row in rows)
                if not dry_run:
                    self._remove(row["path"] for row in rows)
            for start in range(0, len(keys), 1000):
                left = [key for key in self._orphans(keys[start : start + 1000]) if key not in forgotten | results]
                orphans += len(left)
                if not dry_run:
                    self._remove(left)
        return Pruned(len(forgotten), orphans, len(results))

    def _remove(self, keys: Iterable[str]) -> None:
        storage = self._storage()
        for key in keys:
            storage.delete(key)

    def _orphans(self, keys: Sequence[str]) -> list[str]:
        known = {row.id: row for row in self.queue.references(sorted({_job_of(key) for key in keys}))}
        return [key for key in keys if not _referred(key, known.get(_job_of(key)))]

    def why(self, job_id: int) -> list[str]:
        """Why the job is where it is, one sentence a line; the last may be the command to type next."""
        return explain(self.get(job_id), self.queue.workers(), self.queue.dependencies(job_id), self.queue.holds())

    # -- the queue and its server as a whole -----------------------------------------------------------------------

    def stats(
        self, *, since: datetime | None = None, types: Sequence[str] | None = None, queue: str | None = None
    ) -> Stats:
        """Counts, times and retries."""
        return self.queue.stats(since=since, types=types, queue=queue)

    def health(self) -> Health:
        """What a person should know of the queue and of the server."""
        return self.queue.health()

    def effective(self) -> Effective:
        """The settings that hold in our session, whatever was asked for."""
        return self.queue.effective()

    def blockers(self, *, idle: float) -> list[Blocker]:
        """Sessions that others wait for, or that have kept locks for ``idle`` seconds without doing anything."""
        return self.queue.blockers(idle=idle)


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


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, (list, tuple)) else ()


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


def _job_of(key: str) -> int:
    """The job of a checkpoint's key; 0 for a key that is not one."""
    number = key.split("/")[1]
    return int(number) if number.isdecimal() else 0


def _referred(key: str, job: References | None) -> bool:
    if job is None:  # the job is gone
        return False
    if "/work/" in key:
        return bool(job.paths) or job.running is not None
    return key in job.paths or (job.running is not None and lease_seq_of(key) >= job.running)


def open_regular(path: Path, field: str) -> BufferedReader:
    """Opens a file that is not empty. Raises ``InvalidArguments`` for all else, and never waits: a FIFO has no end."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise _unusable(field, f"no such file: {path}") from None
    except ValueError:
        raise _unusable(field, f"is not a path: {str(path)!r}") from None
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ENODEV):  # a socket, a device without a driver
            raise _unusable(field, f"is not a regular file: {path}") from None
        raise _unusable(field, f"can't be read: {path} ({error.strerror})") from None
    stream = os.fdopen(descriptor, "rb") if not stat.S_ISDIR(os.fstat(descriptor).st_mode) else None
    if stream is None:
        os.close(descriptor)
        raise _unusable(field, f"is a folder, not a file: {path}")
    facts = os.fstat(descriptor)
    if stat.S_ISREG(facts.st_mode) and facts.st_size > 0:
        return stream
    stream.close()
    problem = "the file is empty" if stat.S_ISREG(facts.st_mode) else "is not a regular file"
    raise _unusable(field, f"{problem}: {path}")


def _version(stream: BufferedReader) -> tuple[int, int]:
    """What changes when somebody writes into an open file."""
    facts = os.fstat(stream.fileno())
    return facts.st_mtime_ns, facts.st_size


def _unusable(field: str, problem: str) -> InvalidArguments:
    return InvalidArguments(f"{field}: {problem}", [f"{field}: {problem}"])


_ASKED = {"pause": "pausing", "cancel": "cancelling"}
_DONE = {"pause": str(Status.PAUSED), "resume": "resumed", "retry": "queued again", "restart": "queued from the start",
         "cancel": str(Status.CANCELLED), "delete": "deleted"}  # fmt: skip


def _answer(verb: str, job_id: int, row: dict[str, Any] | None) -> Answer:
    if row is None:
        return Answer(job_id, "missing", None, f"no such job: {job_id}")
    was = Status(row["was"])
    if row["answer"] == "done":
        withdrawn = verb == "resume" and was is Status.PROCESSING
        text = "pause request withdrawn" if withdrawn else _DONE[verb]
        return Answer(job_id, "done", was, f"job {job_id}: {text}")
    if row["answer"] == "requested":
        return Answer(job_id, "requested", was, f"job {job_id}: {_ASKED[verb]}: stops {_when(row['progress'])}")
    if row["answer"] == "unchanged":
        return Answer(job_id, "unchanged", was, f"job {job_id}: {_unchanged(verb, was)}")
    return Answer(job_id, "refused", was, *_refusal(verb, job_id, row, was))


def _when(progress: Mapping[str, Any]) -> str:
    stage = progress.get("stage")
    if not stage:
        return "at its first safe point"
    batched = progress.get("total") is not None
    return f"after the current batch (stage {stage})" if batched else f"after stage {stage}"


def _unchanged(verb: str, was: Status) -> str:
    if was is Status.PROCESSING:
        return "already running" if verb == "resume" else f"already {_ASKED[verb]}"
    return f"already {was}"


def _refusal(verb: str, job_id: int, row: dict[str, Any], was: Status) -> tuple[str, str | None]:
    if row.get("holder"):
        taken = f"job {row['holder']} has the same key and is not finished"
        return f"cannot {verb} job {job_id}: {taken}", f"jobctl show {row['holder']}"
    if row["cancelling"]:
        return f"cannot {verb} job {job_id}: it is being cancelled", f"jobctl wait {job_id}"
    if verb == "retry" and was in (Status.FAILED, Status.CANCELLED):
        used = f"{row['retry_count']} of {row['max_retries']} retries used"
        return f"cannot retry job {job_id}: {used}", f"jobctl restart {job_id}"
    standing = Standing(was, row["pausing"], row["cancelling"], row["retry_count"], row["max_retries"])
    hint = " or ".join(f"jobctl {other} {job_id}" for other in actions(standing)) or None
    return f"cannot {verb} job {job_id}: {'already' if was in DONE else 'it is'} {was}", hint


def _ended(status: Status | None, until: Sequence[Status], retries: bool) -> str | None:  # noqa: FBT001
    """Why the wait for one job is over, None while it goes on."""
    if status is None:
        return "unreachable"
    if status in until and not (retries and Status.PENDING not in until):
        return str(status) if status in (Status.FAILED, Status.CANCELLED) else "reached"
    if status in (Status.FAILED, Status.CANCELLED) and not retries:
        return str(status)
    return None if retries or any(reachable(status, goal) for goal in until) else "unreachable"


Rowlike = Sequence[Mapping[str, Any]]


def explain(job: Job, workers: Rowlike, dependencies: Sequence[Dependency], holds: Rowlike) -> list[str]:
    """Sentences on why a job is where it is."""
    match job.status:
        case Status.PENDING:
            return _why_pending(job, workers, dependencies, holds)
        case Status.PROCESSING:
            return _why_processing(job)
        case Status.PAUSED:
            return [f"Paused{_because(job.pause_reason)}. To continue: jobctl resume {job.id}"]
        case Status.FAILED:
            return _why_failed(job)
        case Status.COMPLETED:
            return ["Completed."]
        case Status.CANCELLED:
            error = [f"It had failed before: {job.error_message}"] if job.error_message else []
            return [f"Cancelled{_because(job.cancel_reason)}.", *error]
        case _:
            assert_never(job.status)


def _because(reason: str | None) -> str:
    return f": {reason}" if reason else ""


def _why_pending(job: Job, workers: Rowlike, dependencies: Sequence[Dependency], holds: Rowlike) -> list[str]:
    unfinished = [d for d in dependencies if d.status is not Status.COMPLETED]
    if job.waiting_on == "dependency" and unfinished:
        return [
            *(f"Waiting for job {d.id}, which is {d.status or 'deleted'}." for d in unfinished),
            _next_step(job, unfinished),
        ]
    if job.waiting_on == "key":
        return [f"Waiting for another job with the concurrency key {job.concurrency_key!r}."]
    for hold in holds:
        kind, name = hold["kind"], hold["name"]
        if name == (job.queue if kind == "queue" else job.job_type):
            option = " --type" if kind == "type" else ""
            return [f"The {kind} {name!r} is paused{_because(hold['reason'])}.", f"jobctl queue resume {name}{option}"]
    if job.due_in:
        due = job.run_after.isoformat(timespec="seconds")
        return [f"Due in {span(job.due_in)}, at {due}."]
    alive = [worker for worker in workers if not worker["silent"]]
    if not alive:
        return ["No worker is running.", "jobctl worker run"]
    if not any(_serves(worker, job) for worker in alive):
        command = f"jobctl worker run --type {job.job_type}"
        return [f"No running worker takes {job.job_type} jobs of queue {job.queue!r}.", command]
    return ["Due, waiting for a free worker."]


def _serves(worker: Mapping[str, Any], job: Job) -> bool:
    return job.job_type in worker["job_types"] and (not worker["queues"] or job.queue in worker["queues"])


def _next_step(job: Job, dependencies: Sequence[Dependency]) -> str:
    """The next command for a job that waits for others: about one that can't complete by itself, if there is one."""
    by_status = {d.status: d.id for d in dependencies}
    if None in by_status:
        return f"It can never run: jobctl cancel {job.id}"
    for status in (Status.FAILED, Status.CANCELLED):
        if status in by_status:
            blocker = by_status[status]
            return f"jobctl retry {blocker} or jobctl restart {blocker}; to drop this job: jobctl cancel {job.id}"
    if Status.PAUSED in by_status:
        return f"jobctl resume {by_status[Status.PAUSED]}"
    return f"jobctl why {dependencies[0].id}"


def _why_processing(job: Job) -> list[str]:
    worker = f" on worker {job.worker['name']}" if job.worker else ""
    sentences = [f"Running{worker}: {job.progress.details or job.progress.stage or 'just started'}"]
    if not job.alive and job.heartbeat_at is not None:
        sentences.append(_silence(job, (job.now - job.heartbeat_at).total_seconds()))
    elif job.stalled and job.idle is not None:
        sentences.append(f"No progress for {span(job.idle)}, though its worker is alive. Its log: jobctl logs {job.id}")
    if job.cancel_requested_at:
        sentences.append("Cancel requested: stops at the next safe point.")
    elif job.pause_requested_at:
        sentences.append("Pause requested: pauses at the next safe point.")
    return sentences


def _silence(job: Job, age: float) -> str:
    if age < 0:
        return f"The database's clock was set back by {span(-age)} or more: its heartbeat is void; another worker takes over."
    return f"No heartbeat for {span(age)}; another worker takes over after {job.lease_ttl:g}s."


def _why_failed(job: Job) -> list[str]:
    error = f"Failed: {job.error_message or 'no error was recorded'} ({job.error_type or 'error'})"
    verb = "retry" if "retry" in job.actions else "restart"
    if job.next_retry_at:
        wait = (job.next_retry_at - job.now).total_seconds()
        due = f"Next retry in {span(wait)}." if wait > 0 else "Its retry is due."
        return [error, f"{due} To {verb} now: jobctl {verb} {job.id}"]
    return [error, f"To {'try again' if verb == 'retry' else 'run it again'}: jobctl {verb} {job.id}"]
