"""Stages whose result grows in steps: over the batches of a list, or as a generator yields it. Each step may be committed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

from jobctl.core.errors import StoreUnavailable
from jobctl.core.names import plural
from jobctl.core.pipeline import Stage
from jobctl.core.plain import plain
from jobctl.worker.context import StageContext
from jobctl.worker.progress import ProgressReporter

T = TypeVar("T")


class Outlast(Protocol):
    """Runs an act of a stage again where it lost the database meanwhile."""

    def __call__(self, context: StageContext, act: Callable[[], T], /) -> T: ...


@dataclass(frozen=True, slots=True)
class Step:
    """``results`` came from ``done`` further items. ``more``: another step may follow."""

    results: list[object]
    done: int
    more: bool


class Growing:
    """One stage of one attempt. ``run`` returns what its function does, as plain data."""

    def __init__(
        self, context: StageContext, stage: Stage, reporter: ProgressReporter, *,
        run: Callable[[StageContext, Stage, object], object], outlast: Outlast,
    ) -> None:  # fmt: skip
        self._context = context
        self._stage = stage
        self._reporter = reporter
        self._run = run
        self._outlast = outlast

    def batches(self, items: Sequence[object], done: int) -> Iterator[Step]:
        """Works through the items from the position ``done`` on; counts them."""
        size = self._stage.size or 1
        self._count(done, len(items))
        while done < len(items):
            batch = items[done : done + size]
            for results, count in self._yielded(batch) if self._stage.yields else self._returned(batch):
                done += count
                self._count(done, len(items))
                yield Step(results, count, done < len(items))

    def generated(self, previous: object, kept: int) -> Iterator[Step]:
        """What the stage yields.

        Skipped, with its writes, is what earlier attempts kept (their number is ``kept``) and, where an outage began the
        generator again, what it had yielded before; not what it has from ``ctx.partial()`` and so does not yield.
        """
        context = self._context
        position, done = 0, kept

        def begin() -> object:
            nonlocal position
            position = context.partial_count = 0
            return previous

        before = context.savepoint()
        for value in self._values(begin):
            position += 1
            if position + context.partial_count <= done:
                context.rollback_to(before)
                continue
            done += 1
            yield Step([value], 1, more=True)
            before = context.savepoint()

    def _count(self, done: int, total: int) -> None:
        self._reporter.count(self._stage, self._context.noun, done, total)

    def _returned(self, batch: Sequence[object]) -> Iterator[tuple[list[object], int]]:
        yield listed(self._run(self._context, self._stage, batch)), len(batch)

    def _yielded(self, batch: Sequence[object]) -> Iterator[tuple[list[object], int]]:
        """One result an item: after each the job can stop. Raises ``TypeError`` where there are fewer or more."""
        left = list(batch)
        for value in self._values(lambda: list(left)):
            if not left:
                raise TypeError(f"stage {self._stage.name!r} yielded more results than it has items: one for each")
            del left[0]
            yield [value], 1
        if left:
            got = f"{plural(len(batch) - len(left), 'result')} for {plural(len(batch), 'item')}"
            raise TypeError(f"stage {self._stage.name!r} yielded {got}: a generator yields one for each")

    def _values(self, argument: Callable[[], object]) -> Iterator[object]:
        """What the generator yields. After an outage it is started again with what is its argument then."""
        end = object()
        generator: Generator[object, None, None] | None = None

        def following() -> object:
            nonlocal generator
            if generator is None:
                generator = self._stage.run(self._context, argument())
            try:
                value = next(generator, end)
            except StoreUnavailable:
                generator = None
                raise
            return value if value is end else plain(value, self._stage.name)

        try:
            while (value := self._outlast(self._context, following)) is not end:
                yield value
        finally:
            if generator is not None:
                generator.close()


def listed(value: object) -> list[object]:
    """The list that a batched stage takes or returns. Raises ``TypeError`` for what can't be iterated."""
    return list(cast("Iterable[object]", value))
