"""What a stage sees of the world: the ``Context`` of core/ports.py, and the progress it makes visible."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from jobctl.core.attempt import Claimed
from jobctl.core.errors import CancelNow, PauseNow, ReleaseNow
from jobctl.core.job import NewJob
from jobctl.core.names import counted
from jobctl.core.pipeline import Pipeline, Stage
from jobctl.core.ports import Library, Stops, Storage
from jobctl.core.retry import storable
from jobctl.worker.chain import Chain
from jobctl.worker.inputs import OpenedInput, allowed_path, open_input

TELL_EVERY = 0.2
"""Seconds between two progress messages to the supervisor."""
DETAILS_CAP, UNIT_CAP = 400, 60
PROGRESS_CAP = 2048
"""Bytes of a progress as JSON: what a control character costs six of."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the child gives to every attempt."""

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


class Ticker:
    """Progress: percent from the stage shares, words, counts, rate. Percent never goes back within an attempt."""

    def __init__(self, tell: Callable[[dict[str, Any]], None], percent: float) -> None:
        self._tell = tell
        self._told = 0.0
        self._state: dict[str, Any] = {"percent": round(percent, 1)}
        self._span = (0.0, 100.0)
        self._started = (0.0, 0)

    @property
    def stage(self) -> str | None:
        """The stage that runs."""
        return self._state.get("stage")

    def begin(self, stage: Stage, start: float, end: float) -> None:
        """A stage starts; it fills the span from ``start`` to ``end`` percent."""
        self._span = (start, end)
        self._started = (time.monotonic(), -1)
        self._state = {"percent": self._higher(start), "stage": stage.name, "details": stage.label}
        self._say(now=True)

    def count(self, stage: Stage, noun: str, done: int, total: int) -> None:
        """Items of a batched stage that are done."""
        if self._started[1] < 0:
            self._started = (time.monotonic(), done)
        self.update(counted(stage.label, noun, done, total), current=done, total=total, unit=noun)

    def update(
        self, details: str, *, current: int | None = None, total: int | None = None, unit: str | None = None
    ) -> None:
        """Words, and counts where there are any."""
        state = self._state | {"details": storable(details, DETAILS_CAP)}
        if current is not None and total:
            start, end = self._span
            noun = unit and storable(unit, UNIT_CAP)
            state |= {"current": current, "total": total, "unit": noun, "substage": noun}
            state["percent"] = self._higher(start + (end - start) * min(current / total, 1.0))
            state |= self._speed(current, total)
        self._state = state
        self._say(now=False)

    def finish(self) -> None:
        """The last stage is done."""
        self._state = {"percent": 100.0, "stage": self._state.get("stage"), "details": "Done"}

    def snapshot(self) -> dict[str, Any]:
        """The column's value; words that do not fit are left out."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        state = {key: value for key, value in self._state.items() if value is not None} | {"updated_at": now}
        return state if len(json.dumps(state).encode()) <= PROGRESS_CAP else state | {"details": None}

    def _speed(self, current: int, total: int) -> dict[str, Any]:
        since, first = self._started
        elapsed = time.monotonic() - since
        if first < 0 or current <= first or elapsed < 1.0:
            return {"rate_per_s": None, "eta_s": None}
        rate = (current - first) / elapsed
        return {"rate_per_s": round(rate, 3), "eta_s": round((total - current) / rate, 1)}

    def _higher(self, percent: float) -> float:
        return max(round(percent, 1), float(self._state.get("percent", 0.0)))

    def _say(self, *, now: bool) -> None:
        moment = time.monotonic()
        if now or moment - self._told >= TELL_EVERY:
            self._told = moment
            self._tell(self.snapshot())


class Logs(Protocol):
    """Takes a line: (level, stage, text)."""

    def __call__(self, level: str, stage: str | None, text: str) -> None: ...


class StageContext:
    """The ``Context`` of one stage of one attempt."""

    def __init__(
        self, job: Claimed, tools: Tools, stops: Stops, ticker: Ticker, log: Logs, chain: Chain, stage: Stage, args: Any
    ) -> None:
        self.job_id = job.token.job_id
        self.attempt = job.token.lease_seq
        self.args = args
        self.settings = tools.settings
        self.storage = tools.storage
        self.stage = stage
        self.entity: tuple[str, str] | None = None
        self.follow_up: list[NewJob] = []
        self._job = job
        self._tools = tools
        self._stops = stops
        self._ticker = ticker
        self._log = log
        self._chain = chain
        self.noun = stage.noun
        self._writes: list[Callable[[Library], None]] = []

    def result(self, stage: str) -> Any:
        """The checkpointed result of an earlier stage."""
        return self._chain.value(stage)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What ``make`` gives, made once an attempt and shared by its stages."""
        if name not in self._chain.shared:
            self._chain.shared[name] = make()
        return self._chain.shared[name]

    def open(self, path: str) -> Path:
        """A local file or folder for an input path. Raises ``Invalid`` for one outside what this worker allows.

        What is read stays the same, even if the path leads elsewhere by now. Valid until the attempt ends.
        """
        taken = self._job.metadata.get("inputs", {}).get(path)
        if not taken:
            roots, workspace = self._tools.input_roots, self._tools.workspace
            opened: OpenedInput = self.once(f"input {path}", lambda: open_input(path, roots, workspace))
            return opened.path
        return _named(self._tools.storage.local_path(taken["key"], self._tools.workspace), self.name(path), self._tools)

    def name(self, path: str) -> str:
        """The file name that a path was submitted under."""
        taken = self._job.metadata.get("inputs", {}).get(path)
        return Path(taken["name"] if taken else path).name

    def allowed(self, path: str) -> Path:
        """A path that lies, links resolved, under a root that this worker allows. Raises ``Invalid``."""
        return allowed_path(path, self._tools.input_roots)

    def progress(
        self, details: str, *, current: int | None = None, total: int | None = None, unit: str | None = None
    ) -> None:
        """Says in words where the stage is."""
        self._ticker.update(details, current=current, total=total, unit=unit)

    def log(self, text: str, *, level: str = "info") -> None:
        """A line of the job's log."""
        self._log(level, self.stage.name, text)

    def checkpoint(self) -> None:
        """Stops here when that was asked: what this stage did so far is done again later."""
        if self._stops.cancel:
            raise CancelNow
        if self._stops.release:
            raise ReleaseNow
        if self._stops.pause and self._chain.pause_safe:
            raise PauseNow

    def write(self, work: Callable[[Library], None]) -> None:
        """Library writes: run in the transaction that commits this stage's checkpoint."""
        self._writes.append(work)

    def read(self) -> Library:
        """The library for reading."""
        return self._tools.reader()

    def submit(self, job_type: str, args: Mapping[str, Any], **options: Any) -> None:
        """Follow-up work, created in the transaction that commits this stage's checkpoint."""
        self.follow_up.append(self._tools.request(job_type, args, created_by=f"job:{self.job_id}", **options))

    def plugin(self, kind: str, name: str | None = None) -> Any:
        """What is configured for a place that others may fill."""
        return self._tools.plugin(kind, name)

    def count_as(self, noun: str) -> None:
        """What the items of this batched stage are called."""
        self.noun = noun

    def about(self, entity_type: str, entity_id: int | str) -> None:
        """Says which entity the job is about, once that is known."""
        self.entity = (entity_type, str(entity_id))

    def mark(self) -> tuple[int, int]:
        """How much is collected so far."""
        return len(self._writes), len(self.follow_up)

    def back_to(self, mark: tuple[int, int]) -> None:
        """Forgets what was collected since."""
        del self._writes[mark[0] :]
        del self.follow_up[mark[1] :]

    @property
    def has_effects(self) -> bool:
        """Whether the commit of this stage does more than record it."""
        return bool(self._writes or self.follow_up or self.entity)

    def work(self, connection: Any) -> None:
        """Runs the collected writes on a connection inside the transaction."""
        if self._writes:
            library = self._tools.library(connection)
            for write in self._writes:
                write(library)

    def clear(self) -> None:
        """What was collected is committed."""
        self._writes.clear()
        self.follow_up.clear()


def _named(stored: Path, name: str, tools: Tools) -> Path:
    """Stored bytes under the name they were submitted with: it says the format of a text, and errors speak of it."""
    target = tools.workspace / stored.name[:16] / Path(name).name
    target.parent.mkdir(exist_ok=True)
    with suppress(FileExistsError):
        target.symlink_to(stored)
    return target
