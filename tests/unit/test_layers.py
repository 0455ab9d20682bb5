"""What import contracts cannot see: the command line reaches jobs through the methods of the client alone."""

import ast
from pathlib import Path

import pytest

import jobctl

PACKAGE = Path(jobctl.__file__).parent
CONNECTIONS = {"queue", "connection", "transaction"}
"""Attributes of a client that only the layers below the command line use."""


def reached_past_the_client(source: str) -> list[str]:
    """Expressions such as ``client.queue`` and ``state.connect().queue``; ``job.queue`` is a name of a queue."""
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and node.attr in CONNECTIONS
        and (ast.unparse(node.value).endswith("client") or ast.unparse(node.value).endswith("connect()"))
    ]


@pytest.mark.parametrize("folder", ["cli", "torture"])
def test_nothing_reaches_past_the_client(folder):
    found = {
        path.relative_to(PACKAGE).as_posix(): past
        for path in (PACKAGE / folder).rglob("*.py")
        if (past := reached_past_the_client(path.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source", ["state.connect().queue.pause_queue('a')", "self.client.queue.count(x)", "client.queue"]
)
def test_what_reaches_past_the_client_is_found(source):
    assert reached_past_the_client(source)


def test_the_queue_of_a_job_is_not_the_queue_of_a_client():
    assert reached_past_the_client("job.queue + options.queue") == []
