"""No regular expression of the package is slower than its input is long."""

import re

import pytest

from tests.documents.expressions import Expression, expressions, hostile, repeats
from tests.documents.growth import excess

ALL = expressions()
SHORT = {"jobctl.postgres.connect": "a line with an address, never a document"}
"""Modules whose expressions only ever see inputs that are short by nature, and why."""


def slow(one: Expression) -> str | None:
    """The first hostile input on which it grows faster than the input."""
    coded = isinstance(one.pattern.pattern, bytes)
    for head, body, tail in hostile(one.pattern):

        def work(size: int, parts: tuple[str, str, str] = (head, body, tail)):
            text = parts[0] + parts[1] * size + parts[2]
            data = text.encode() if coded else text
            return lambda: one.work(data)

        if (found := excess(work)) is not None:
            return f"{head!r} + {body!r} × n + {tail!r}: {found}"
    return None


LONG = [one for one in ALL if one.where.split(":")[0] not in SHORT]


@pytest.mark.parametrize("one", LONG, ids=[f"{one.where} {one.pattern.pattern[:40]!r}" for one in LONG])
def test_an_expression_grows_with_its_input(one):
    assert not repeats(one.pattern) or len(hostile(one.pattern)) > 10
    assert slow(one) is None


def test_all_modules_are_searched():
    assert {"jobctl.core.terms", "jobctl.documents.chunk", "jobctl.cli.output.text"} <= {
        one.where.split(":")[0] for one in ALL
    }
    assert len(ALL) > 30


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?:\s?[.·…]\s?){5,}\s*[\divxlc]*\s*$", r"^(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$", r"[ \t]+$", r"\]\([^)]*\)",
        r"\[[^\]\n]+\]\(", r"(a+)+b", r"(a|a)*b", r"x*x*y",
    ],
)  # fmt: skip
def test_an_expression_that_backtracks_is_found(pattern):
    assert slow(Expression("here", re.compile(pattern, re.MULTILINE), at_start=False)) is not None
