"""How deep an input may be."""

import pytest

from jobctl.core.bounds import MAX_LEVELS, too_deep


def nested(levels, wrap):
    value = "core"
    for _ in range(levels):
        value = wrap(value)
    return value


@pytest.mark.parametrize(
    "wrap", [lambda v: [v], lambda v: {"k": v}, lambda v: (1, "a", v)], ids=["list", "object", "tuple"]
)
def test_the_last_level_allowed_is_the_limit(wrap):
    assert not too_deep(nested(MAX_LEVELS - 1, wrap))
    assert too_deep(nested(MAX_LEVELS + 1, wrap))


@pytest.mark.parametrize("value", [None, 3, "text", b"bytes", [], {}, ["x" * 500], {"a": [1, {"b": None}]}])
def test_scalars_and_texts_have_no_levels(value):
    assert not too_deep(value)


def test_a_value_that_contains_itself_is_too_deep():
    loop = []
    loop.append(loop)
    assert too_deep(loop)


def test_a_depth_that_recursion_could_not_follow_is_judged():
    assert too_deep(nested(100_000, lambda v: [v]))
