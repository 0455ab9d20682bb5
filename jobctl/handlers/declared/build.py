"""Makes a pipeline of a definition: the input model, and a function for each stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from jobctl.core.errors import Invalid
from jobctl.core.names import words
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context
from jobctl.core.retry_policy import Retry
from jobctl.handlers.declared.definition import (
    BATCH,
    LINE,
    TYPES,
    Batches,
    Definition,
    InputField,
    StageDefinition,
    base_name,
    file_name,
    fill,
    shown,
)
from jobctl.programs import Launch, StoredFile, Task, Workspace, program_environment, run_in_stage
from jobctl.programs.files import Stamp, collect, newest, stamps
from jobctl.system.environment import variables

LONGEST_LIST = 1_000_000
"""Lines of a file that a stage works through."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a stage returns: the files that it left."""

    files: list[StoredFile]


@dataclass(slots=True)
class _Place:
    """The folders of a stage in one attempt, and the stamps of the files that are stored already."""

    workspace: Workspace
    known: dict[str, Stamp] = field(default_factory=dict)


def build(name: str, text: str) -> Pipeline:
    """The pipeline of a definition in TOML. Raises ``ValueError`` with every problem."""
    definition = Definition.parse(text)
    pipeline = Pipeline(
        name,
        args=_model(name, definition),
        label=definition.label or words(name),
        help=definition.help,
        title=lambda args: fill(definition.title, _titles(definition, args)) or "",
        input_files=definition.paths,
        environment=definition.environment,
        max_retries=definition.max_retries,
        retry=Retry(backoff=definition.backoff),
    )
    for index, stage in enumerate(definition.stage):
        _add(pipeline, definition, stage, [earlier.name for earlier in definition.stage[:index]])
    return pipeline


def _model(name: str, definition: Definition) -> type[BaseModel]:
    config = ConfigDict(extra="forbid", coerce_numbers_to_str=True, protected_namespaces=())
    fields: dict[str, Any] = {
        known: (_type(spec), Field(... if spec.is_required else spec.default, description=spec.description, validate_default=True))
        for known, spec in definition.input.items()
    }  # fmt: skip
    return create_model(words(name).title().replace(" ", ""), __config__=config, **fields)


def _type(spec: InputField) -> Any:
    kind: Any = Literal[tuple(spec.choices)] if spec.choices else TYPES[spec.type]
    return kind if spec.is_required or spec.default is not None else kind | None


def _titles(definition: Definition, args: BaseModel) -> dict[str, str | None]:
    return {
        name: base_name(value) if name in definition.paths and value is not None else shown(value)
        for name, value in args
    }  # fmt: skip


def _add(pipeline: Pipeline, definition: Definition, stage: StageDefinition, earlier: Sequence[str]) -> None:
    steps = _Steps(definition, stage, earlier)
    if stage.batches is None:

        def once(ctx: Context, _previous: Any) -> Made:
            return steps.once(ctx)

        pipeline.stage(share=stage.share, name=stage.name, timeout=stage.timeout)(once)
        return

    def batch(ctx: Context, lines: Sequence[str]) -> list[StoredFile]:
        return steps.batch(ctx, lines)

    def over(ctx: Context, _previous: Any) -> list[str]:
        return steps.lines(ctx)

    pipeline.batches(
        share=stage.share, name=stage.name, size=stage.batches.size, noun=stage.batches.noun, over=over,
        timeout=stage.timeout,
    )(batch)  # fmt: skip


class _Steps:
    """What a stage does, in a job."""

    def __init__(self, definition: Definition, stage: StageDefinition, earlier: Sequence[str]) -> None:
        self._definition = definition
        self._stage = stage
        self._earlier = earlier

    def once(self, ctx: Context) -> Made:
        """Runs the program once."""
        place = self._prepare(ctx)
        with place.workspace as workspace:
            run_in_stage(ctx, self._task(ctx, workspace, self._values(ctx), resumable=True), workspace)
            return Made(self._collect(ctx, place))

    def batch(self, ctx: Context, lines: Sequence[str]) -> list[StoredFile]:
        """Runs the program for some lines: once, or once a line."""
        place = self._place(ctx)
        listed = place.workspace.folder.parent / BATCH
        listed.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", errors="surrogateescape")
        values = {**self._values(ctx), BATCH: str(listed)}
        for line in lines if self._stage.over_each_line else lines[:1]:
            task = self._task(ctx, place.workspace, {**values, LINE: line}, resumable=False)
            run_in_stage(ctx, task, place.workspace)
        return self._collect(ctx, place)

    def lines(self, ctx: Context) -> list[str]:
        """The lines that are not empty of the file that the stage works through."""
        batches = self._batches()
        name = fill(batches.lines, self._values(ctx)) or ""
        path = self._place(ctx).workspace.folder / name
        try:
            found = [line for line in path.read_text(encoding="utf-8", errors="surrogateescape").splitlines() if line]
        except OSError as error:
            raise Invalid(f"{self._stage.name}: the list {name} cannot be read: {error.strerror}") from None
        if len(found) > LONGEST_LIST:
            raise Invalid(f"{self._stage.name}: {name} has more than {LONGEST_LIST:,} lines")
        return found

    def _batches(self) -> Batches:
        if self._stage.batches is None:
            raise TypeError(f"stage {self._stage.name} has no batches")
        return self._stage.batches

    def _place(self, ctx: Context) -> _Place:
        """The folders of a stage in batches: made once an attempt, with what its finished batches left."""
        return ctx.once(f"place of {self._stage.name}", lambda: self._prepare(ctx))

    def _prepare(self, ctx: Context) -> _Place:
        workspace = Workspace(ctx, self._stage.name)
        for name, target in _inputs(self._definition, ctx):
            workspace.take_in(ctx, target, str(getattr(ctx.args, name)))
        for file in newest([*self._left(ctx), *self._done(ctx)]):
            workspace.bring_back(ctx, file)
        return _Place(workspace, stamps(workspace.folder))

    def _left(self, ctx: Context) -> Iterator[StoredFile]:
        for name in self._earlier:
            made = ctx.result(name)
            yield from made.files if isinstance(made, Made) else made

    def _done(self, ctx: Context) -> list[StoredFile]:
        try:
            return list(ctx.result(self._stage.name)) if self._stage.batches else []
        except KeyError:  # its first batch is to come
            return []

    def _values(self, ctx: Context) -> dict[str, str | None]:
        files = dict(_inputs(self._definition, ctx))
        return {name: file_name(files[name]) if name in files else shown(value) for name, value in ctx.args}

    def _task(self, ctx: Context, workspace: Workspace, values: Mapping[str, str | None], *, resumable: bool) -> Task:
        environment = program_environment(
            variables, named=self._definition.environment, values=workspace.variables,
            always=ctx.settings.get("child_environment", ()),
        )  # fmt: skip
        argv = [filled for word in self._stage.command if (filled := fill(word, values)) is not None]
        memory = self._stage.memory_mb << 20 if self._stage.memory_mb else None
        launch = Launch(argv, workspace.folder, environment, memory)
        return Task(launch, exit_codes=self._stage.exit_codes, resumable=resumable)

    def _collect(self, ctx: Context, place: _Place) -> list[StoredFile]:
        return collect(ctx, place.workspace.folder, self._stage.outputs, place.known)


def _inputs(definition: Definition, ctx: Context) -> Iterator[tuple[str, str]]:
    """The fields that name files, and the name of each in the working folder: its own, or FIELD/NAME for the second of it."""
    taken: set[str] = set()
    for field_name in definition.paths:
        path = getattr(ctx.args, field_name)
        if path is not None:
            name = ctx.name(path)
            target = f"{field_name}/{name}" if name in taken else name
            taken.add(name)
            yield field_name, target
