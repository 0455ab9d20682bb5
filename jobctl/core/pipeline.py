"""A job type is a Pipeline: an ordered list of stages. This is all that the author of a job type writes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from jobctl.core.durations import parse_duration
from jobctl.core.errors import InvalidArguments
from jobctl.core.limits import MOST, parse_rate
from jobctl.core.names import words
from jobctl.core.ports import Context, InputModel
from jobctl.core.retry_policy import Retry
from jobctl.core.stage_types import annotated_return, check_link, check_list, check_signature
from jobctl.core.titles import LibraryTitles
from jobctl.core.unknown_fields import unknown_fields

NO_FIELD = "no such field"
StageFunction = Callable[..., Any]
OnTimeout = Literal["invalid", "transient"]
"""Error class of a stage that took too long: ``invalid`` is not retried automatically, as it would take as long again."""


A = TypeVar("A", bound=InputModel)
"""The input model of a job type."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a stage may run within one attempt, in seconds. None: as the worker is set; 0: without limit."""

    timeout: float | None = None
    """Wall-clock time, without the time in which the job is frozen or the database is away."""
    cpu: float | None = None
    """CPU time, including all programs that the stage starts."""
    on_timeout: OnTimeout = "invalid"

    @classmethod
    def of(cls, timeout: str | float | None, cpu: str | float | None, on_timeout: OnTimeout) -> Limits:
        """From an author's arguments: ``"10m"``, or seconds. Raises ``ValueError``."""
        if on_timeout not in get_args(OnTimeout):
            raise ValueError(f"on_timeout is {on_timeout!r}; it can be {' or '.join(get_args(OnTimeout))}")
        wall, processor = (None if limit is None else parse_duration(limit) for limit in (timeout, cpu))
        return cls(wall, processor, on_timeout)


@dataclass(frozen=True, slots=True)
class Stage:
    """One step. ``size`` is set for a stage that works in batches over a list."""

    name: str
    run: StageFunction
    share: float
    size: int | None = None
    noun: str = "item"
    over: Callable[[Context, Any], Sequence[Any]] | None = None
    pause_safe: bool = True
    verb: str | None = None
    limits: Limits = Limits()

    @property
    def yields(self) -> bool:
        """Whether the function is a generator."""
        return inspect.isgeneratorfunction(self.run)

    @property
    def grows(self) -> bool:
        """Whether the result is a list that is kept in parts: in batches, or as it is yielded."""
        return self.size is not None or self.yields

    @property
    def label(self) -> str:
        """Text for people: "Embedding"."""
        return self.verb or words(self.name)


class Pipeline:
    """A job type: a name, an input model and stages.

    ``label`` starts the display name; ``title`` and ``mode`` return, from the validated input, what the job is about
    and the text in brackets behind it; ``library_title`` is asked before ``title`` by those who may read the library, and
    returns None for what it does not know. ``key`` returns the concurrency key: jobs of one key never run at the same time.
    ``input_files`` names the fields that hold paths: their files are taken into the storage at submit, so that
    any worker can run the job. ``environment`` names the variables of the worker's environment that its handlers read
    (``READWISE_*``: all that begin so); the others, but for a few harmless ones, are kept from them.
    ``max_retries`` and ``retry`` decide how often, when and after which errors a job is retried automatically.
    ``allowed_by`` names a setting without which no worker takes jobs of the type.
    ``max_running`` and ``rate`` ("60/m") limit how many jobs of the type run at once, and start in a time, on all workers
    together; ``jobctl queue limit --type`` overrules both.
    """

    def __init__(
        self,
        name: str,
        *,
        args: type[A],
        label: str | None = None,
        help: str = "",  # noqa: A002 - the word that click, argparse and pydantic authors expect
        title: Callable[[A], str] | None = None,
        library_title: Callable[[A, LibraryTitles], str | None] | None = None,
        mode: Callable[[A], str | None] | None = None,
        key: Callable[[A], str | None] | None = None,
        input_files: Sequence[str] = (),
        input_folders: Sequence[str] = (),
        environment: Sequence[str] = (),
        max_retries: int = 3,
        retry: Retry | None = None,
        example: Mapping[str, object] | None = None,
        allowed_by: str | None = None,
        max_running: int | None = None,
        rate: str | None = None,
    ) -> None:
        self.name = name
        self.args = args
        self.label = label or words(name)
        self.help = help
        self.title: Callable[[Any], str] = title or (lambda _: "")
        self.library_title: Callable[[Any, LibraryTitles], str | None] = library_title or (lambda *_: None)
        self.mode: Callable[[Any], str | None] = mode or (lambda _: None)
        self.key: Callable[[Any], str | None] = key or (lambda _: None)
        self.input_files, self.input_folders = tuple(input_files), tuple(input_folders)
        self.environment = tuple(environment)
        self.max_retries = max_retries
        self.retry = retry or Retry()
        self.example = dict(example or {})
        self.allowed_by = allowed_by
        if max_running is not None and not 1 <= max_running <= MOST:
            raise ValueError(f"max_running is {max_running!r}; it can be 1 to {MOST}")
        self.max_running = max_running
        self.rate = None if rate is None else parse_rate(rate)
        self.stages: list[Stage] = []

    def stage(
        self,
        *,
        share: float,
        pause_safe: bool = True,
        name: str | None = None,
        verb: str | None = None,
        timeout: str | float | None = None,
        cpu: str | float | None = None,
        on_timeout: OnTimeout = "invalid",
    ) -> Callable[[StageFunction], StageFunction]:
        """Adds a stage: ``run(ctx, previous)`` returns what its checkpoint contains; the first stage receives the input.

        It may be a generator: its result is the list of what it yields, which is kept in parts; see ``Context.partial``.
        It may be an ``async def``: it runs on the event loop of its process, and a cancel ends it at its next ``await``.
        ``timeout`` and ``cpu`` ("10m", or seconds) end an attempt whose stage takes longer, as a failure of the class
        ``on_timeout``: see ``Limits``.
        """
        limits = Limits.of(timeout, cpu, on_timeout)

        def add(run: StageFunction) -> StageFunction:
            self._add(Stage(name or run.__name__, run, share, pause_safe=pause_safe, verb=verb, limits=limits))
            return run

        return add

    def batches(
        self,
        *,
        share: float,
        size: int,
        noun: str = "item",
        over: Callable[[Context, Any], Sequence[object]] | None = None,
        pause_safe: bool = True,
        name: str | None = None,
        verb: str | None = None,
        timeout: str | float | None = None,
        cpu: str | float | None = None,
        on_timeout: OnTimeout = "invalid",
    ) -> Callable[[StageFunction], StageFunction]:
        """Adds a stage over a list: ``run(ctx, items)`` returns a list; the lists are joined to the stage's result.

        The list is the previous result, or what ``over(ctx, previous)`` makes of it; ``over`` must return the same
        list each time. ``run`` may be a generator that yields one result an item: then the job can stop after each.
        ``noun`` is counted: "Counting line 300 of 5,000". The limits are those of all batches together
        that one attempt does: see ``Limits``.
        """
        limits = Limits.of(timeout, cpu, on_timeout)

        def add(run: StageFunction) -> StageFunction:
            self._add(Stage(name or run.__name__, run, share, size, noun, over, pause_safe, verb, limits))
            return run

        return add

    def _add(self, stage: Stage) -> None:
        if any(stage.name == other.name for other in self.stages):
            raise ValueError(f"{self.name} has two stages named {stage.name}")
        self._check_types(stage)
        self.stages.append(stage)

    def _check_types(self, stage: Stage) -> None:
        """Raises ``TypeError``, naming both sides, for a stage that can't take what comes before it."""
        label = f"{self.name}: stage {stage.name!r}"
        check_signature(label, stage.run)
        before = self.stages[-1] if self.stages else None
        source = f"stage {before.name!r} returns" if before else "the input is"
        returned = annotated_return(before.run) if before else self.args
        if stage.over is not None:
            check_link(source, returned, f"{label}: over=", stage.over)
            source, returned = "over= returns", annotated_return(stage.over)
        if stage.size is not None:
            check_list(f"{label} returns", annotated_return(stage.run))
            try:
                check_list(source, returned)
            except TypeError as error:
                raise TypeError(f"{label} works in batches, but {error}: select the list with over=") from None
        check_link(source, returned, label, stage.run)

    def validate(self, data: Mapping[str, object]) -> InputModel:
        """The input as a model. Raises ``InvalidArguments`` naming every bad field at once.

        A field that the model does not have is bad, unless its class allows or ignores others (``extra`` of its
        ``model_config``).
        """
        problems = [f"{name}: {NO_FIELD}" for name in unknown_fields(self.args, data)]
        cause: ValueError | None = None
        try:
            model = self.args.model_validate(dict(data))
        except ValueError as error:
            cause = error
            problems = list(dict.fromkeys([*_problems(error), *problems]))
        if problems:
            text = f"{self.name}: {'; '.join(problems)}"
            raise InvalidArguments(text, problems, hint=f"jobctl submit {self.name} --help") from cause
        return model

    def span(self, index: int) -> tuple[float, float]:
        """First and last percent of a stage, by the shares."""
        total = sum(stage.share for stage in self.stages) or 1.0
        before = sum(stage.share for stage in self.stages[:index])
        return 100.0 * before / total, 100.0 * (before + self.stages[index].share) / total

    def index(self, stage: str) -> int | None:
        """The position of a stage, None for a name this version does not have."""
        return next((i for i, known in enumerate(self.stages) if known.name == stage), None)


def _problems(error: ValueError) -> list[str]:
    listed = getattr(error, "errors", None)
    if listed is None:
        return [str(error)]
    return [f"{'.'.join(str(part) for part in item['loc']) or 'input'}: {_sentence(item)}" for item in listed()]


def _sentence(item: Mapping[str, object]) -> str:
    if item["type"] == "extra_forbidden":
        return NO_FIELD
    if item["type"] == "missing":
        return "is required"
    return str(item["msg"]).removeprefix("Value error, ")
