"""What stages return as plain data: kept as it is, or refused with the position of what cannot be kept."""

import sys
from dataclasses import dataclass
from enum import Enum, IntEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from jobctl.core import checkpoint, result
from jobctl.core.attempt import StoredResult, Token
from jobctl.core.bounds import MAX_LEVELS
from jobctl.core.errors import CheckpointCorrupt, CheckpointMissing
from jobctl.core.plain import Unstorable, fault, plain
from jobctl.core.retry import classify
from jobctl.storage.local import LocalStorage

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
KEYS = TEXT.filter(lambda key: key not in ("$bytes", "$base64"))
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT | st.binary()
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20)


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


@dataclass
class Point:
    x: int
    inner: object = None


@dataclass
class One:
    only: object


class Model(BaseModel):
    name: str


def nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


def test_dataclasses_models_enums_and_tuples_become_plain():
    value = {"a": (Point(1, Point(2)), One(Colour.RED)), "b": Model(name="n"), "c": Level.HIGH, "d": bytearray(b"x")}
    assert plain(value, "s") == {
        "a": [{"x": 1, "inner": {"x": 2, "inner": None}}, {"only": "red"}], "b": {"name": "n"}, "c": 3, "d": b"x",
    }  # fmt: skip


@given(VALUES)
def test_a_result_comes_back_as_it_was_and_has_the_same_bytes_each_time(value):
    data = result.encode(plain(value, "result"))
    assert result.decode(data) == value
    assert result.encode(plain(value, "result")) == data


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": [1, {2}]}, r"stage\.a\[1\]: a value of type set cannot be kept"),
        (Point(1, Point(2, object())), r"stage\.inner\.inner: a value of type object"),
        ({"a": {1: 2}}, r"stage\.a: a key is 1; keys must be text"),
        ({"a": {"$bytes": 2}}, r"stage\.a: the key '\$bytes' is reserved"),
        ([{"$base64": 2}], r"stage\[0\]: the key '\$base64' is reserved"),
        (nested(MAX_LEVELS), r"nested deeper than 100 levels"),
        (nested(sys.getrecursionlimit() * 50), r"nested deeper than 100 levels"),
    ],
)
def test_what_has_no_plain_form_is_refused_with_its_position(value, words):
    with pytest.raises(Unstorable, match=words) as refused:
        plain(value, "stage")
    assert classify(refused.value) == "permanent"
    assert len(str(refused.value)) < 400


UNENCODABLE = [
    ({"pages": ["ok", {"text": "a\ud800"}]}, r"one\.pages\[1\]\.text: text with a lone surrogate \(U\+D800\)"),
    ({"\udc00": 1}, r"one, key '\\udc00': text with a lone surrogate \(U\+DC00\)"),
    ([0.5, float("nan")], r"one\[1\]: nan is not a JSON number"),
    ({"invalid": float("inf")}, r"one\.invalid: inf is not a JSON number"),
    ([10**5000], r"one\[0\]: an integer of more than 4,000 digits"),
]


@pytest.mark.parametrize(("value", "words"), UNENCODABLE)
def test_what_json_cannot_hold_is_refused_with_its_position_in_checkpoints_and_results(value, words):
    with pytest.raises(Unstorable, match=words) as refused:
        checkpoint.encode(checkpoint.Segment("one", value, 0, complete=True))
    assert classify(refused.value) == "permanent"
    with pytest.raises(Unstorable, match=words.replace("one", "result", 1)):
        result.encode(value)


def test_a_nul_is_refused_in_results_only_and_what_only_looks_like_one_is_not():
    with pytest.raises(Unstorable, match=r"result\.a\[0\]: text with the character U\+0000"):
        result.encode({"a": ["\x00"]})
    with pytest.raises(Unstorable, match=r"result, key '\\x00': text with the character U\+0000"):
        result.encode({"\x00": 1})
    assert result.decode(result.encode(["\\u0000"])) == ["\\u0000"]
    segment = checkpoint.Segment("one", ["\x00"], 0, complete=True)
    assert checkpoint.decode(checkpoint.encode(segment)) == segment


def test_the_first_fault_is_named():
    assert fault([["fine"], float("nan"), float("inf")], "r") == "r[1]: nan is not a JSON number"
    assert fault({"a": [1, "b", None, True, 2.5]}, "r") is None


TOKEN = Token(7, 2, "abcdef01-2345")


def test_a_stored_result_is_read_back_and_every_damage_is_noticed(tmp_path):
    storage = LocalStorage(tmp_path)
    data = result.encode({"text": "x" * 1_000})
    stored = result.store(data, TOKEN, storage)
    assert stored.path.startswith("jobs/7/2-abcdef01/result-")
    assert checkpoint.lease_seq_of(stored.path) == 2
    assert result.load(stored, storage) == data
    for wrong in (data[:-1], data + b" ", data.replace(b"x", b"y", 1)):
        (tmp_path / stored.path).write_bytes(wrong)
        with pytest.raises(CheckpointCorrupt):
            result.load(stored, storage)
    with pytest.raises(CheckpointMissing, match="missing"):
        result.load(StoredResult("jobs/7/2-abcdef01/result-0", "0" * 64, 5), storage)


def test_numbers_and_texts_of_a_class_of_their_own_are_kept():
    class Metres(float):
        pass

    class Name(str):
        __slots__ = ()

    assert plain([Metres(2.5), {"name": Name("x")}], "here") == [2.5, {"name": "x"}]
