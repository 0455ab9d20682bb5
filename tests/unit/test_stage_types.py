"""Stages are linked by type: a mismatch is refused when the job type is defined."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, TypedDict, TypeVar

import pytest
from pydantic import BaseModel
from typing_extensions import TypeAliasType

from jobctl import Context, Pipeline
from jobctl.core.stage_types import accepts

T = TypeVar("T")
Name = NewType("Name", str)


class Args(BaseModel):
    path: Path


@dataclass
class Point:
    x: int


class Row(TypedDict):
    x: int


@pytest.mark.parametrize(
    ("parameter", "returned"),
    [
        (Any, int),
        (int, Any),
        (object, Point),
        (float, int),
        (int, bool),
        (Sequence[int], list[int]),
        (Iterable[str], tuple[str, ...]),
        (list, list[int]),
        (list[int], list),
        (Mapping[str, Any], dict[str, int]),
        (int | None, int),
        (int | str, bool | str),
        (str, Name),
        (str, Annotated[str, "a note"]),
        (Mapping[str, Any], Row),
        (Literal["a", "b"], Literal["a"]),
        (str, Literal["a"]),
        (tuple[int, str], tuple[bool, str]),
        (list[T], list[int]),
        (None, None),
        (list[float], list[int]),
    ],
)
def test_what_a_stage_can_take(parameter: Any, returned: Any) -> None:
    assert accepts(parameter, returned)


@pytest.mark.parametrize(
    ("parameter", "returned"),
    [
        (str, int),
        (int, int | None),
        (list[str], list[int]),
        (list[str], str),
        (Sequence[str], dict[str, str]),
        (Point, dict[str, int]),
        (dict[str, int], dict[str, list[int]]),
        (tuple[int, str], tuple[int, int]),
        (tuple[int, str], tuple[int]),
        (Sequence[int], tuple[int, str]),
        (Literal["a"], Literal["a", "b"]),
        (Literal["a"], str),
        (int, None),
        (int | str, bytes),
        (int, float),
    ],
)
def test_what_a_stage_cannot_take(parameter: Any, returned: Any) -> None:
    assert not accepts(parameter, returned)


def pipeline() -> Pipeline:
    return Pipeline("count", args=Args)


def test_a_stage_that_cannot_take_the_previous_result_is_refused_with_both_names() -> None:
    counting = pipeline()

    @counting.stage(share=1)
    def reading(_ctx: Context, _args: Args) -> list[str]:
        return []

    with pytest.raises(TypeError, match=r"stage 'adding' takes list\[int\], but stage 'reading' returns list\[str\]"):

        @counting.stage(share=1)
        def adding(_ctx: Context, numbers: list[int]) -> int:
            return sum(numbers)


def test_the_first_stage_takes_the_input_model() -> None:
    with pytest.raises(TypeError, match="count: stage 'reading' takes str, but the input is Args"):

        @pipeline().stage(share=1)
        def reading(_ctx: Context, path: str) -> str:
            return path


def test_batches_need_a_list_and_return_a_list() -> None:
    counting = pipeline()

    @counting.stage(share=1)
    def reading(_ctx: Context, _args: Args) -> Point:
        return Point(1)

    with pytest.raises(
        TypeError,
        match=r"stage 'adding' works in batches, but stage 'reading' returns Point, which is not a list.* over=",
    ):

        @counting.batches(share=1, size=10)
        def adding(_ctx: Context, items: list[int]) -> list[int]:
            return items

    with pytest.raises(TypeError, match=r"stage 'adding' returns int, which is not a list"):

        @counting.batches(share=1, size=10, over=lambda _ctx, point: list(range(point.x)))
        def adding(_ctx: Context, items: list[int]) -> int:
            return sum(items)


def test_what_over_returns_must_fit_the_batches() -> None:
    counting = pipeline()

    def names(_ctx: Context, args: Args) -> list[str]:
        return [args.path.name]

    with pytest.raises(TypeError, match=r"stage 'adding' takes list\[int\], but over= returns list\[str\]"):

        @counting.batches(share=1, size=10, over=names)
        def adding(_ctx: Context, items: list[int]) -> list[int]:
            return items


async def yielding(_ctx: Context, _args: Args) -> AsyncIterator[int]:
    yield 1


def alone(_ctx: Context) -> int:
    return 1


@pytest.mark.parametrize(("run", "reason"), [(yielding, "generator"), (alone, "two arguments")])
def test_functions_that_cannot_be_a_stage_are_refused_when_they_are_defined(
    run: Callable[..., Any], reason: str
) -> None:
    with pytest.raises(TypeError, match=reason):
        pipeline().stage(share=1)(run)


def test_an_annotation_that_does_not_resolve_is_accepted() -> None:
    def reading(_ctx: Context, _args: "NotDefinedAnywhere") -> "NeitherIsThis":  # noqa: F821
        return None

    pipeline().stage(share=1)(reading)


def test_an_alias_of_a_type_stands_for_the_type():
    alias = TypeAliasType("Pages", list[int])
    assert accepts(list[int], alias)
    assert accepts(alias, list[int])
    assert not accepts(alias, str)
