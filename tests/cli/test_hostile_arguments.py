"""Whatever is typed: an exit code that means something, at most three lines on stderr, and never a traceback."""

import json
import logging

import click
import pytest

from jobctl.cli.app import global_options, root, top
from jobctl.cli.registry import COMMANDS

HOSTILE = (
    "", " ", "-", "=", ",", "\x1b[2J\x07", "a\u202eb\u200b\U000e0041", "\udcff", "caf\udce9.md", "-1", "0", "9" * 5000,
    "99999999999999999999", "9223372036854775808", "1e309", "nan", "99999999d", "9" * 400 + "d", "[" * 100_000, "@/nonexistent",
    "0001-01-01", "9999-12-31T23:59:59-12:00", "failed>" + "9" * 5000, "1=" + "9" * 5000, "x=" + "[" * 100_000, "²",
)  # fmt: skip
pytestmark = pytest.mark.timeout(60)
MEANT = {0, 2, 3, 4, 5, 6, 12, 20, 124}
BASE = {
    "submit": ("noop",), "show": ("1",), "why": ("1",), "wait": ("1",), "logs": ("1",), "pause": ("1",), "resume": ("1",),
    "retry": ("1",), "restart": ("1",), "cancel": ("1",), "delete": ("1",), "search": ("word",), "completion": ("bash",),
    "queue pause": ("q",), "queue resume": ("q",), "queue limit": ("q",), "worker drain": ("w",), "db downgrade": ("0001",), "db dump": ("/dev/null",),
    "db load": ("/dev/null",), "db roles": (),
}  # fmt: skip
BRIEF = {"watch": ("--timeout", "0.05s"), "wait": ("--timeout", "0.05s"), "list": ()}
"""What ends a command that would wait."""
REPLACED = ("--run", "--follow", "--live", "--watch", "--wait", "--drain")
"""Flags that start processes or wait for them: they have tests of their own."""


def commands() -> dict[str, click.Command]:
    """Every command by its path."""
    context = top()
    found: dict[str, click.Command] = {}
    for name in COMMANDS:
        command = root.get_command(context, name)
        if isinstance(command, click.Group):
            inner = click.Context(command, info_name=name, parent=context)
            found |= {f"{name} {sub}": command.get_command(inner, sub) for sub in command.list_commands(inner)}
        else:
            found[name] = command
    return found


@pytest.fixture
def outcome(cli, monkeypatch):
    """Runs a command; complains unless it ended as it should."""
    monkeypatch.setattr("jobctl.wiring.run_worker", lambda *_, **__: 0)
    monkeypatch.setattr("jobctl.cli.commands.metrics.page_server", lambda *_: pytest.skip("not here"))
    monkeypatch.setattr("jobctl.torture.torture", lambda *_, **__: pytest.skip("not here"))
    monkeypatch.setattr("jobctl.client.waiting.POLL", 0.01)
    monkeypatch.setattr("jobctl.cli.watching.source.POLL_EVERY", 0.01)
    cli("submit", "noop", "--delay", "1h")

    def run(*words: str, stdin: str = ""):
        logging.getLogger("jobctl.worker").handlers.clear()
        done = cli(*words, stdin=stdin)
        shown = " ".join(word[:40] for word in words)
        assert done.code in MEANT, f"{shown!a}: {done.code}: {done.err[:500]}"
        assert len(done.err.splitlines()) <= 3 or "\n  -h, --help" in done.err, f"{shown!a}: {done.err[:1000]}"
        return done

    return run


def own(command: click.Command) -> list[click.Option]:
    shared = {option.name for option in global_options()} | {"help"}
    return [param for param in command.params if isinstance(param, click.Option) and param.name not in shared]


@pytest.mark.parametrize("path", [path for path in commands() if path != "torture"])
def test_no_option_takes_a_command_down(outcome, path):
    base = (*path.split(), *BASE.get(path, ()), *BRIEF.get(path, ()))
    for option in own(commands()[path]):
        name = max(option.opts, key=len)
        if name in REPLACED:
            continue
        for value in HOSTILE if not (option.is_flag or option.count) else [None]:
            outcome(*base, name, *([] if value is None else [value]))


@pytest.mark.parametrize("path", [path for path in commands() if path not in ("torture", "worker run")])
def test_no_argument_takes_a_command_down(outcome, path):
    if not any(isinstance(param, click.Argument) for param in commands()[path].params):
        return
    for value in HOSTILE:
        outcome(*path.split(), value, *BRIEF.get(path, ()))


@pytest.mark.parametrize(
    "option", [option for option in global_options() if not (option.is_flag or option.count)], ids=str
)
def test_no_global_takes_a_command_down(outcome, option):
    for value in HOSTILE:
        outcome("list", max(option.opts, key=len), value)


@pytest.mark.parametrize("value", HOSTILE)
def test_nothing_on_stdin_takes_a_command_down(outcome, value):
    outcome("show", "-", stdin=value)
    outcome("submit", "noop", "--payload", "-", stdin=value)
    outcome("submit", "-f", "-", stdin=value)
    for line in ({"type": value}, {"type": "noop", "key": value}, {"type": "noop", "labels": {value: value}},
                 {"type": "noop", "title": value}, {"type": "noop", "queue": value}, {"type": "noop", "input": {value: value}},
                 {"type": "noop", "labels": {"a": [value]}}, {"type": "noop", "key": "a\x00b"}, {"type": "a\x00b"},
                 {"type": "noop", "title": "a\x00b"}, {"type": "noop", "labels": {"a\x00b": "c"}}):  # fmt: skip
        outcome("submit", "-f", "-", stdin=json.dumps(line))
