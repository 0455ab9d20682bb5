"""The checkpoints of one job: what is recorded, read back with its hash compared, newest valid first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from jobctl.core.attempt import Record
from jobctl.core.checkpoint import MAX_BYTES, Segment, decode, digest
from jobctl.core.errors import CheckpointCorrupt, CheckpointError, first_line
from jobctl.core.pipeline import Pipeline, Stage
from jobctl.core.ports import Storage
from jobctl.core.stage_types import annotated_return


class Unreadable(Exception):
    """A recorded checkpoint can't be used; the log must be cut before it."""

    def __init__(self, record: Record, reason: str) -> None:
        super().__init__(reason)
        self.record = record
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Position:
    """Where to continue: a stage, and how many of its items are done."""

    stage: int
    done: int


class CheckpointLog:
    """The records of a job in order; a value is read when it is first needed."""

    def __init__(self, pipeline: Pipeline, storage: Storage, records: Sequence[Record]) -> None:
        self._pipeline = pipeline
        self._storage = storage
        self.records = list(records)
        self.dropped: list[int] = []
        self.next_seq = max((record.seq for record in records), default=0) + 1
        self.shared: dict[str, object] = {}  # values that the stages of this attempt share
        self._values: dict[str, object] = {}

    def position(self) -> Position:
        """The first stage that is not complete. Raises ``Unreadable`` where the records do not fit the pipeline."""
        expected = 0
        done = 0
        for record in self.records:
            stage = self._pipeline.stages[expected] if expected < len(self._pipeline.stages) else None
            if stage is None or record.stage != stage.name or record.done < done:
                raise Unreadable(record, f"this version has no stage {record.stage!r} at this position")
            expected, done = (expected + 1, 0) if record.complete else (expected, record.done)
        return Position(expected, done)

    @property
    def pause_safe(self) -> bool:
        """Whether the newest record is a point where the job may stop; before the first one it always may."""
        return not self.records or self.records[-1].pause_safe

    def cut(self, record: Record) -> None:
        """Forgets a record and everything after it."""
        index = self.records.index(record)
        self.dropped += [forgotten.seq for forgotten in self.records[index:]]
        del self.records[index:]
        self._values.clear()

    def value(self, stage: str) -> object:
        """The result of a stage that is complete, typed by the return annotation of its function."""
        if stage not in self._values:
            records = [record for record in self.records if record.stage == stage]
            if not records:
                raise KeyError(f"no result of stage {stage!r} yet")
            index = self._pipeline.index(stage)
            batched = index is not None and self._pipeline.stages[index].grows
            value = self.partial(stage) if batched else self.read(records[-1]).value
            self._values[stage] = self._convert(stage, value, records[-1])
        return self._values[stage]

    def partial(self, stage: str) -> list[object]:
        """The results of the recorded batches of a stage: read now, so that damage is noticed before the work."""
        return [item for record in self.records if record.stage == stage for item in self.read(record).value]

    def inside(self, stage: str) -> Record | None:
        """The newest record of a stage that is not complete."""
        newest = self.records[-1] if self.records else None
        return newest if newest is not None and newest.stage == stage and not newest.complete else None

    def supersede(self, stage: str) -> None:
        """Of the records inside a stage, drops with the next commit all but the newest."""
        older = [record for record in self.records if record.stage == stage][:-1]
        self.dropped += [record.seq for record in older]
        self.records = [record for record in self.records if record not in older]

    def refuse(self, stage: str, reason: str) -> None:
        """Raises ``Unreadable`` for the first record of a stage."""
        raise Unreadable(next(record for record in self.records if record.stage == stage), reason)

    def add(self, record: Record) -> None:
        """A checkpoint was committed."""
        self.records.append(record)
        self.dropped.clear()
        self.next_seq = record.seq + 1

    def keep(self, stage: str, value: object) -> None:
        """Remembers a new result, plain data, in the form that a resumed run would read."""
        self._values[stage] = self._typed(stage, value)

    def _convert(self, stage: str, value: object, record: Record) -> object:
        try:
            return self._typed(stage, value)
        except ValueError as error:
            raise Unreadable(record, f"the checkpoint of {stage} has another form: {first_line(error)}") from error

    def _typed(self, stage: str, value: object) -> object:
        return _adapter(next(known for known in self._pipeline.stages if known.name == stage))(value)

    def read(self, record: Record) -> Segment:
        """The segment of a record. Raises ``Unreadable``."""
        try:
            data = self._storage.get(record.path, max_bytes=min(record.size, MAX_BYTES))
            if digest(data) != record.sha256:
                raise CheckpointCorrupt(f"{record.path}: the bytes are not those that were written")
            return decode(data)
        except CheckpointError as error:
            raise Unreadable(record, str(error)) from error


@cache
def _adapter(stage: Stage) -> Callable[[object], object]:
    """Converts plain data to the annotated return type of the stage's function."""
    returned: Any = annotated_return(stage.run)
    return TypeAdapter(returned).validate_python
