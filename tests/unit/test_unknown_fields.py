"""An input field that a model does not have is refused, at every level, unless the class says otherwise."""

import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from jobctl import Pipeline
from jobctl.core.errors import InvalidArguments


class Part(BaseModel):
    n: int = 0


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    n: int = 0
    part: Part = Part()


class Ignoring(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Args(BaseModel):
    size: int = 1
    named: int = Field(0, alias="other")
    choice: int = Field(0, validation_alias=AliasChoices("one", "two"))
    part: Part | None = None
    parts: list[Part] = []
    by_name: dict[str, Part] = {}
    free: Open | None = None
    ignoring: Ignoring | None = None
    anything: dict[str, int] = {}


def problems(data, model=Args):
    try:
        Pipeline("p", args=model).validate(data)
    except InvalidArguments as error:
        return error.problems
    return []


@pytest.mark.parametrize(
    ("data", "unknown"),
    [
        ({"sise": 1}, ["sise"]),
        ({"part": {"m": 1}}, ["part.m"]),
        ({"parts": [{"n": 1}, {"m": 1}]}, ["parts.1.m"]),
        ({"free": {"m": 1, "part": {"x": 1}}}, ["free.part.x"]),
        ({"by_name": {"x": {"n": 1, "m": 1}}}, ["by_name.x.m"]),
        ({"a": 1, "part": {"b": 1}}, ["a", "part.b"]),
    ],
)
def test_it_is_named(data, unknown):
    assert problems(data) == [f"{name}: no such field" for name in unknown]


@pytest.mark.parametrize(
    "data",
    [
        {}, {"size": 2}, {"other": 1}, {"one": 1}, {"two": 2}, {"part": {"n": 1}}, {"part": None}, {"parts": []},
        {"by_name": {"any": {"n": 1}}}, {"free": {"more": 1}}, {"ignoring": {"more": 1}}, {"anything": {"x": 1}},
    ],
)  # fmt: skip
def test_what_the_model_has_or_allows_is_accepted(data):
    assert problems(data) == []


def test_it_is_named_with_the_other_problems_and_once():
    assert problems({"size": "many", "sise": 1}) == [
        "size: Input should be a valid integer, unable to parse string as an integer", "sise: no such field"
    ]  # fmt: skip

    class Strict(BaseModel):
        model_config = ConfigDict(extra="forbid")

    assert problems({"x": 1}, Strict) == ["x: no such field"]


def test_a_class_that_allows_others_keeps_them():
    assert Pipeline("p", args=Open).validate({"more": 1}).more == 1
    assert problems({"more": 1}, Ignoring) == []


def test_an_item_that_is_no_object_is_left_to_the_validation():
    found = problems({"parts": [{"m": 1}, 3]})
    assert "parts.0.m: no such field" in found
    assert [text for text in found if text.startswith("parts.1:")]
