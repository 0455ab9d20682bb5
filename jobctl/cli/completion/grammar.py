"""The grammar of the command line, read from the command tree: what may follow what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import click

from jobctl import wiring
from jobctl.cli.app import Family, root, top
from jobctl.cli.output.fields import JOB_FIELDS
from jobctl.cli.registry import COMMANDS
from jobctl.cli.selectors import NAMES
from jobctl.cli.topics import TOPICS
from jobctl.core.lifecycle import Status, Verb

IDS = ("show", "why", "watch", "wait", "logs", *Verb, "verify")
"""Commands whose arguments are job ids; the cache says which of ``Verb`` are possible on which job."""
FILES = ("--file", "-f", "--config", "--lock", "--input-root")


@dataclass(frozen=True)
class Entry:
    """What may stand after a command: its sub-commands or none, and its options."""

    path: str
    words: tuple[str, ...]
    options: tuple[click.Option, ...]


@cache
def tree() -> list[Entry]:
    """The whole grammar, the top first."""
    context = top()
    entries = [Entry("", tuple(COMMANDS), _options(root, context))]
    for name in COMMANDS:
        command = root.get_command(context, name)
        if command is None:
            continue
        inner = click.Context(command, info_name=name, parent=context)
        subs = (
            {sub: command.get_command(inner, sub) for sub in command.list_commands(inner)}
            if isinstance(command, Family)
            else {}
        )
        entries.append(Entry(name, _arguments(name) or tuple(subs), () if subs else _options(command, inner)))
        entries += [
            Entry(f"{name} {sub}", (), _options(command, inner)) for sub, command in subs.items() if command is not None
        ]
    return entries


def _options(command: click.Command, context: click.Context) -> tuple[click.Option, ...]:
    return tuple(param for param in command.get_params(context) if isinstance(param, click.Option))


def _arguments(name: str) -> tuple[str, ...]:
    """Words that a command takes, where its arguments do not list them."""
    return {
        "submit": tuple(wiring.job_types()), "types": tuple(wiring.job_types()), "help": (*COMMANDS, *TOPICS),
        "completion": ("bash", "zsh", "fish", "man"),
    }.get(name, ())  # fmt: skip


@cache
def values() -> dict[str, tuple[str, ...]]:
    """Option → what may follow it; an empty tuple where it is not known."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in tree():
        for option in entry.options:
            if not option.is_flag and not option.count:
                found |= dict.fromkeys(option.opts, _values(option))
    return found


def _values(option: click.Option) -> tuple[str, ...]:
    known = {
        "--status": (*Status, *NAMES), "--for": (*Status, "done"), "--type": tuple(wiring.job_types()), "--fields": JOB_FIELDS,
    }  # fmt: skip
    special = next((known[name] for name in option.opts if name in known), ())
    return tuple(str(word) for word in special or getattr(option.type, "choices", ()))


def names(options: Sequence[click.Option]) -> list[str]:
    """The long names of options, sorted."""
    return sorted({name for option in options for name in option.opts if name.startswith("--")})
