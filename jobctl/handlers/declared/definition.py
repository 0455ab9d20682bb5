"""What a ``NAME.jobtype.toml`` may contain, checked when it is read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from jobctl.core.durations import parse_duration
from jobctl.programs import ExitClass
from jobctl.programs.environment import settable
from jobctl.programs.files import relative

FieldType = Literal["str", "int", "float", "bool", "path"]
Value = str | int | float | bool
LINE, BATCH = "line", "batch"
"""Names for the commands of a stage over lines: the line, and a file with the lines of the batch."""
_PLACE = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]*)\}")
_FIELD_NAME = r"^[a-z][a-z0-9_]{0,62}$"


class Strict(BaseModel):
    """An unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid")


class InputField(Strict):
    """One field of the input. Without a default it is required, unless ``required`` is false."""

    type: FieldType = "str"
    choices: list[str] | None = Field(None, min_length=1)
    required: bool | None = None
    default: Value | None = None
    description: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.choices is not None and self.type != "str":
            raise ValueError("choices are texts: leave out type")
        if self.required and self.default is not None:
            raise ValueError("a required field has no default")
        return self

    @property
    def is_required(self) -> bool:
        """Whether a job must set it."""
        return self.default is None if self.required is None else self.required


class Batches(Strict):
    """A stage over the lines of a file: one run of the command for ``size`` lines, or one a line where it names {line}."""

    lines: str
    size: int = Field(1, ge=1, le=100_000)
    noun: str = LINE


def _duration(text: str) -> str:
    parse_duration(text)
    return text


class StageDefinition(Strict):
    """One step: a program, and the files that it leaves for the next ones."""

    name: str = Field(pattern=_FIELD_NAME)
    command: list[str] = Field(min_length=1)
    share: float = Field(1.0, gt=0)
    batches: Batches | None = None
    outputs: list[Annotated[str, AfterValidator(relative)]] = []
    timeout: Annotated[str, AfterValidator(_duration)] | None = None
    memory_mb: int | None = Field(None, ge=1, le=1 << 24)
    exit_codes: dict[Annotated[int, Field(ge=0, le=255)], ExitClass] = {}

    @property
    def over_each_line(self) -> bool:
        """Whether the command runs once a line."""
        return any(LINE in places(word) for word in self.command)


def _field(value: object) -> object:
    """``source = "path"`` is short for ``source = {type = "path"}``."""
    return {"type": value} if isinstance(value, str) else value


class Definition(Strict):
    """A job type."""

    label: str | None = None
    help: str = ""
    title: str = ""
    max_retries: int = Field(3, ge=0, le=100)
    backoff: list[Annotated[str, AfterValidator(_duration)]] = []
    environment: list[Annotated[str, AfterValidator(settable)]] = []
    input: dict[Annotated[str, Field(pattern=_FIELD_NAME)], Annotated[InputField, BeforeValidator(_field)]] = {}
    stage: list[StageDefinition] = Field(min_length=1)

    @classmethod
    def parse(cls, text: str) -> Definition:
        """From TOML. Raises ``ValueError`` with every problem."""
        return cls.model_validate(tomllib.loads(text))

    @model_validator(mode="after")
    def _known_places(self) -> Self:
        names = [stage.name for stage in self.stage]
        if len(set(names)) < len(names):
            raise ValueError("two stages have the same name")
        if reserved := {LINE, BATCH} & self.input.keys():
            raise ValueError(f"an input cannot be named {' or '.join(sorted(reserved))}")
        _check_places("title", [self.title], self.input)
        for stage in self.stage:
            more = (LINE, BATCH) if stage.batches else ()
            _check_places(f"stage {stage.name}", stage.command, [*self.input, *more])
            if stage.batches:
                _check_places(f"stage {stage.name}: batches", [stage.batches.lines], self.input)
        return self

    @property
    def paths(self) -> tuple[str, ...]:
        """Fields that name files: they are taken into the storage at submit."""
        return tuple(name for name, field in self.input.items() if field.type == "path")


def _check_places(where: str, words: Sequence[str], known: Sequence[str] | Mapping[str, object]) -> None:
    for name in (name for word in words for name in places(word)):
        if name not in known:
            raise ValueError(f"{where}: there is no field {{{name}}}; a brace is written as {{{{ or }}}}")


def places(word: str) -> list[str]:
    """The fields that a word names."""
    return [name for name in _PLACE.findall(word) if name]


def fill(word: str, values: Mapping[str, str | None]) -> str | None:
    """The word with its fields filled in; None where a field has no value: the word is left out."""
    if any(values.get(name) is None for name in places(word)):
        return None
    return _PLACE.sub(lambda found: (values[found[1]] or "") if found[1] else found[0][0], word)


def shown(value: object) -> str | None:
    """A field's value as text in a command."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def file_name(name: str) -> str:
    """A file's name as an argument: one that starts with a dash is not an option."""
    return f"./{name}" if name.startswith("-") else name


def base_name(path: object) -> str:
    """The last part of a path."""
    return Path(str(path)).name


TYPES: Mapping[FieldType, type] = {"str": str, "int": int, "float": float, "bool": bool, "path": Path}
assert set(TYPES) == set(get_args(FieldType))  # noqa: S101 - a map over all types
