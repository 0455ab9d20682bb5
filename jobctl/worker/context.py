"""The implementation of ``Context`` (core/ports.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from jobctl.core.attempt import Claimed
from jobctl.core.errors import CancelNow, CheckpointError, CheckpointMissing, ErrorType, Invalid, PauseNow, ReleaseNow
from jobctl.core.job import NewJob
from jobctl.core.pipeline import Pipeline, Stage
from jobctl.core.ports import Library, PauseSupport, Stops, Storage
from jobctl.programs.stop_signals import stop_follows
from jobctl.worker.checkpoints import CheckpointLog, Unreadable
from jobctl.worker.event_loop import StageLoop
from jobctl.worker.inputs import OpenedInput, allowed_path, open_input
from jobctl.worker.programs import run_program
from jobctl.worker.progress import ProgressReporter
from jobctl.worker.secrets import Secrets
from jobctl.worker.tracing import NoTracer, Tracer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Services:
    """What every attempt in a child process uses."""

    storage: Storage
    library: Callable[[Any], Library]
    """A library on a connection that is inside a transaction."""
    reader: Callable[[], Library]
    """A library for reading."""
    load: Callable[[str], Pipeline]
    request: Callable[..., NewJob]
    """A validated follow-up job: (job type, input, **options)."""
    workspace: Path
    input_roots: tuple[Path, ...]
    settings: Mapping[str, Any]
    plugin: Callable[[str, str | None], Any]
    auto_retry: bool = True
    prove: Callable[[], None] = lambda: None
    """Raises ``StorageUnavailable`` where the storage is not the right one, or can't be read and written."""
    loop: StageLoop = field(default_factory=StageLoop)
    secrets: Secrets = field(default_factory=Secrets)
    tracer: Tracer = field(default_factory=NoTracer)
    results: Callable[[int], Mapping[int, Any]] = lambda _: {}
    """The results of the jobs that a job waited for, by their ids."""


Log = Callable[[str, str | None, str], None]
"""Receives a line: (level, stage, text)."""


class StoredInput(msgspec.Struct, frozen=True):
    """An input file that was put into the storage when the job was submitted."""

    key: str
    sha256: str
    size: int
    name: str


@dataclass(frozen=True, slots=True)
class Run:
    """What the stages of one attempt share."""

    job: Claimed
    inputs: Mapping[str, StoredInput]
    """By the path that was submitted."""
    services: Services
    stops: Stops
    reporter: ProgressReporter
    log: Log
    checkpoints: CheckpointLog
    save: Callable[[StageContext, object], None]
    """Commits a checkpoint inside a stage."""


class StageContext:
    """The ``Context`` of one stage of one attempt."""

    def __init__(self, run: Run, stage: Stage, args: Any) -> None:
        self.job_id = run.job.token.job_id
        self.attempt = run.job.token.lease_seq
        self.args = args
        self.settings = run.services.settings
        self.storage = run.services.storage
        self.workspace = run.services.workspace
        self.stops = run.stops
        self.stage = stage
        self.entity: tuple[str, str] | None = None
        self.follow_up: list[NewJob] = []
        self.noun = stage.noun
        self.partial_count = 0
        self._inputs = run.inputs
        self._services = run.services
        self._reporter = run.reporter
        self._log = run.log
        self._checkpoints = run.checkpoints
        self._save = run.save
        self._writes: list[Callable[[Library], None]] = []

    def result(self, stage: str) -> Any:
        """The checkpointed result of an earlier stage."""
        return self._checkpoints.value(stage)

    def results(self) -> Mapping[int, Any]:
        """The results of the jobs that this one depends on, by their ids."""
        found: Mapping[int, Any] = self.once("results of dependencies", lambda: self._services.results(self.job_id))
        return found

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What ``make`` returns, made once an attempt and shared by its stages."""
        if name not in self._checkpoints.shared:
            self._checkpoints.shared[name] = make()
        return self._checkpoints.shared[name]

    def open(self, path: str | Path) -> Path:
        """A local file or folder for an input path. Raises ``Invalid`` for one outside what this worker allows.

        What is read stays the same, even if the path leads elsewhere by now. Valid until the attempt ends.
        """
        path = str(path)
        stored = self._inputs.get(path)
        workspace = self._services.workspace
        if stored is None:
            roots = self._services.input_roots
            opened: OpenedInput = self.once(f"input {path}", lambda: open_input(path, roots, workspace))
            return opened.path
        try:
            kept = self._services.storage.local_path(stored.key, workspace)
        except CheckpointMissing:
            raise Invalid(
                f"the input file {stored.name} is not in the storage any more: {stored.key}", hint="Submit it again."
            ) from None
        return _link_named(kept, self.name(path), workspace)

    def name(self, path: str | Path) -> str:
        """The file name that a path was submitted under."""
        stored = self._inputs.get(str(path))
        return Path(stored.name if stored else path).name

    def allowed(self, path: str | Path) -> Path:
        """A path that lies, links resolved, under a root that this worker allows. Raises ``Invalid``."""
        return allowed_path(str(path), self._services.input_roots)

    def progress(
        self, details: str, *, current: float | None = None, total: float | None = None, unit: str | None = None
    ) -> None:
        """Reports in a text how far the stage is."""
        details = self._services.secrets.redact(details)
        self._reporter.update(details, current=current, total=total, unit=unit)

    def send_progress(self) -> None:
        """Sends the newest progress, where it came too early to be sent at once."""
        self._reporter.send_due()

    def log(self, text: str, *, level: str = "info") -> None:
        """A line of the job's log."""
        self._log(level, self.stage.name, self._services.secrets.redact(text))

    def run(
        self,
        command: Sequence[str | Path],
        *,
        cwd: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        exits: Mapping[int, ErrorType | None] | None = None,
    ) -> int:
        """Runs a program to its end; returns its exit code."""
        return run_program(
            command, log=lambda level, text: self.log(text, level=level), cancelled=lambda: self.stops.cancel,
            cwd=cwd or self._services.workspace, env=env, exits=exits, terminated=self._terminated,
        )  # fmt: skip

    def _terminated(self) -> None:
        """A program was ended by SIGTERM: with it the whole worker, perhaps."""
        if stop_follows(self.stops):
            self.check_interrupt()

    def secret(self, name: str) -> str:
        """A secret of this worker."""
        return self._services.secrets.read(name)

    def check_interrupt(self) -> None:
        """Stops here when that was requested: what this stage did so far is done again later."""
        if self.stops.cancel:
            raise CancelNow
        if self._checkpoints.pause_safe:
            if self.stops.release:
                raise ReleaseNow
            if self.stops.pause:
                raise PauseNow

    def save(self, value: object) -> None:
        """Commits a checkpoint inside this stage; of those before it only the newest is kept."""
        if self.stage.grows:
            raise TypeError(f"stage {self.stage.name!r} is kept in parts: each part is a checkpoint")
        self._save(self, value)

    @property
    def has_saved(self) -> bool:
        """Whether there is a checkpoint inside this stage."""
        return self._checkpoints.inside(self.stage.name) is not None

    def saved(self, load: Callable[[Any], T]) -> T | None:
        """What ``load`` makes of the newest checkpoint inside this stage; None: there is none."""
        record = self._checkpoints.inside(self.stage.name)
        if record is None:
            return None
        try:
            return load(self._checkpoints.read(record).value)
        except CheckpointError as error:
            raise Unreadable(record, str(error)) from error

    def kept(self) -> list[object]:
        """The results of this stage that earlier attempts have kept."""
        return self._checkpoints.partial(self.stage.name)

    def partial(self) -> list[Any]:
        """What this generator has yielded and the job has kept: it yields what comes after that."""
        if not self.stage.yields or self.stage.size is not None:
            raise TypeError(f"stage {self.stage.name!r} is not a generator without batches")
        kept = self.kept()
        self.partial_count = len(kept)
        return kept

    def pause_support(self, how: PauseSupport) -> None:
        """Reports how this stage stops for a pause."""
        self._reporter.pause_support(how)

    def write(self, work: Callable[[Library], None]) -> None:
        """Library writes: run in the transaction that commits this stage's checkpoint."""
        self._writes.append(work)

    def read(self) -> Library:
        """The library for reading."""
        return self._services.reader()

    def submit(self, job_type: str, args: Mapping[str, Any], **options: Any) -> None:
        """Follow-up work, created in the transaction that commits this stage's checkpoint."""
        self.follow_up.append(self._services.request(job_type, args, created_by=f"job:{self.job_id}", **options))

    def plugin(self, kind: str, name: str | None = None) -> Any:
        """The configured implementation of an extension point."""
        return self._services.plugin(kind, name)

    def count_as(self, noun: str) -> None:
        """Sets the noun for the items of this batched stage."""
        self.noun = noun

    def about(self, entity_type: str, entity_id: int | str) -> None:
        """Sets the entity that the job is about, once that is known."""
        self.entity = (entity_type, str(entity_id))

    def savepoint(self) -> tuple[int, int]:
        """How much is collected so far."""
        return len(self._writes), len(self.follow_up)

    def rollback_to(self, savepoint: tuple[int, int]) -> None:
        """Forgets what was collected since."""
        del self._writes[savepoint[0] :]
        del self.follow_up[savepoint[1] :]

    @property
    def has_effects(self) -> bool:
        """Whether the commit of this stage does more than record it."""
        return bool(self._writes or self.follow_up or self.entity)

    def work(self, connection: Any) -> None:
        """Runs the collected writes on a connection inside the transaction."""
        if self._writes:
            library = self._services.library(connection)
            for write in self._writes:
                write(library)

    def clear(self) -> None:
        """What was collected is committed."""
        self._writes.clear()
        self.follow_up.clear()


def _link_named(stored: Path, name: str, workspace: Path) -> Path:
    """Stored bytes under the name they were submitted with: it shows the format of a text, and errors name it."""
    link = workspace / stored.name[:16] / Path(name).name
    link.parent.mkdir(exist_ok=True)
    with suppress(FileExistsError):
        link.symlink_to(stored)
    return link
