"""The manual page, from the command tree."""

from __future__ import annotations

from collections.abc import Sequence

import click

from jobctl import __version__
from jobctl.cli.app import Family, global_options, root, top
from jobctl.cli.exits import MEANINGS
from jobctl.cli.registry import COMMANDS


def manual() -> str:
    """The page, in the format of man(7)."""
    context = top()
    lines = [
        f'.TH JOBCTL 1 "" "jobctl {__version__}" "User Commands"', ".SH NAME", "jobctl \\- long document jobs on Postgres",
        ".SH SYNOPSIS", ".B jobctl", "[GLOBALS] COMMAND [ARGS]", ".SH DESCRIPTION", *_paragraphs(root.help), ".SH COMMANDS",
    ]  # fmt: skip
    for name in COMMANDS:
        command = root.get_command(context, name)
        inner = click.Context(command, info_name=name, parent=context) if command else context
        if isinstance(command, Family):
            for sub in command.list_commands(inner):
                lines += _entry(f"{name} {sub}", command.get_command(inner, sub), inner)
        else:
            lines += _entry(name, command, context)
    lines += [".SH GLOBAL OPTIONS", *_described(global_options(), context), ".SH EXIT STATUS"]
    for code, words in MEANINGS:
        lines += [".TP", f".B {code}", _plain(words)]
    return "\n".join(lines) + "\n"


def _entry(path: str, command: click.Command | None, context: click.Context) -> list[str]:
    if command is None:
        return []
    shared = {option.name for option in global_options()}
    own = [param for param in command.get_params(context) if param.name not in {*shared, "help"}]
    words = " ".join(command.collect_usage_pieces(click.Context(command, info_name=path, parent=context)))
    return [f'.SS "{path} {_plain(words)}"', *_paragraphs(command.help), *_described(own, context)]


def _described(params: Sequence[click.Parameter], context: click.Context) -> list[str]:
    lines = []
    for param in (param for param in params if isinstance(param, click.Option)):
        record = param.get_help_record(context)
        if record:
            lines += [".TP", f".B {_plain(record[0])}", _plain(record[1])]
    return lines


def _paragraphs(text: str | None) -> list[str]:
    found = [" ".join(part.split()) for part in (text or "").replace("\b", "").split("\n\n")]
    return [line for part in found if part for line in (".PP", _plain(part))]


def _plain(text: str) -> str:
    """Text that troff takes as text."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped
