"""Which jobs a command is about: ids, ``-`` for stdin, ``@last``, or selectors."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypedDict

import click

from jobctl.cli.app import State
from jobctl.cli.options import combined
from jobctl.cli.output.text import cut, echo, is_text, parse_when, visible
from jobctl.core.errors import JobNotFound, UsageError
from jobctl.core.filters import Filters
from jobctl.core.lifecycle import ACTIVE, DONE, Status
from jobctl.core.names import plural

NAMES = {"active": ACTIVE, "done": DONE}
LARGEST = 2**63 - 1
COUNTED = 1_000_000
"""Jobs that are counted before a question."""
EXAMPLES = 5
"""Jobs that a question shows."""
ERROR_TYPES = ("transient", "paywall", "invalid", "permanent")


class Selector(click.Option):
    """An option that says which jobs; help shows them under a heading of their own."""

    heading = "Which jobs"


class Selection(TypedDict, total=False):
    """The values of the selector options."""

    status: tuple[str, ...]
    job_type: tuple[str, ...]
    title_has: str | None
    label: tuple[str, ...]
    queue: str | None
    error_type: tuple[str, ...]
    since: str | None
    until: str | None
    stale: bool
    due: bool


selectors = combined(
    click.option("-s", "--status", "status", multiple=True, help="By status; also active, done.", cls=Selector),
    click.option("-t", "--type", "job_type", multiple=True, help="By job type.", cls=Selector),
    click.option("--title", "title_has", metavar="TEXT", help="Title contains this.", cls=Selector),
    click.option("--label", "label", multiple=True, metavar="K[=V]", help="Has this label.", cls=Selector),
    click.option("--queue", "queue", help="In this queue.", cls=Selector),
    click.option(
        "--error-type",
        "error_type",
        multiple=True,
        type=click.Choice(ERROR_TYPES),
        help="Failed with this class of error.",
        cls=Selector,
    ),
    click.option(
        "--since", metavar="WHEN", help="Submitted since: 2h, today, 2026-11-24, an RFC 3339 time.", cls=Selector
    ),
    click.option("--until", metavar="WHEN", help="Submitted before.", cls=Selector),
    click.option("--stale", is_flag=True, help="Running without a heartbeat.", cls=Selector),
    click.option("--due", is_flag=True, help="Its automatic retry is due.", cls=Selector),
)
"""The selector options; a command takes them as ``**where: Unpack[Selection]``."""


def is_narrow(where: Selection) -> bool:
    """Whether any selector option has a value."""
    return any(value for name, value in where.items() if name in Selection.__annotations__)


def filters(where: Selection, ids: Sequence[int] | None = None) -> Filters:
    """Selector values as filters. Raises ``UsageError``."""
    pairs = [label.partition("=") for label in where.get("label") or ()]
    return Filters(
        ids=tuple(ids) if ids is not None else None,
        statuses=_statuses(where.get("status") or ()),
        types=tuple(where.get("job_type") or ()) or None,
        title=where.get("title_has"),
        labels={k: v for k, sign, v in pairs if sign} or None,
        label_keys=tuple(k for k, sign, _ in pairs if not sign) or None,
        queue=where.get("queue"),
        error_types=tuple(where.get("error_type") or ()) or None,
        since=_when("--since", where.get("since")),
        until=_when("--until", where.get("until")),
        stale=bool(where.get("stale")),
        due=bool(where.get("due")),
    )


def _statuses(values: Sequence[str]) -> tuple[str, ...] | None:
    found: list[str] = []
    for word in (part for value in values for part in value.split(",")):
        if word in NAMES:
            found += [str(status) for status in NAMES[word]]
        elif word in list(Status):
            found.append(word)
        else:
            raise UsageError(f"unknown status {word!r}", hint=f"one of: {', '.join([*Status, *NAMES])}")
    return tuple(dict.fromkeys(found)) or None


def _when(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    return parse_when(text, option=name)


def numbers(state: State, words: Sequence[str]) -> list[int]:
    """Ids from arguments: numbers, ``-`` for stdin, ``@last``. Each once, in order."""
    found: list[int] = []
    for word in words:
        if word == "-":
            found += [_number(token) for token in read_stdin(state).split()]
        elif word == "@last":
            found.append(state.connect().newest())
        else:
            found.append(_number(word))
    return list(dict.fromkeys(found))


def _number(word: str) -> int:
    text = word.removeprefix("#")
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"{cut(word, 60)!r} is not a job id", hint="Ids are numbers: jobctl list")
    digits = text.lstrip("0")
    if len(digits) > len(str(LARGEST)) or int(digits or 0) > LARGEST:
        raise JobNotFound(f"no such job: {cut(word, 60)}", hint="jobctl list")
    return int(digits or 0)


def read_stdin(state: State) -> str:
    """All of stdin. Raises ``UsageError`` where that is closed or not UTF-8."""
    if 0 in state.closed:
        raise UsageError("stdin is closed")
    try:
        text = sys.stdin.read()
    except UnicodeDecodeError:
        text = "\udcff"
    if not is_text(text):  # in an ASCII locale the bytes arrive as halves of characters
        raise UsageError("stdin is not valid UTF-8")
    return text


def chosen(state: State, words: Sequence[str], where: Selection, *, verb: str) -> list[int]:
    """The ids that a verb is to read."""
    return [number for part in parts(state, words, where, verb=verb, ask=False) for number in part]


def parts(
    state: State, words: Sequence[str], where: Selection, *, verb: str, ask: bool = True
) -> Iterator[Sequence[int]]:
    """The ids that a verb is to act on, in parts. Neither ids nor selectors is a usage error, never "all"."""
    selected = is_narrow(where)
    if words and selected:
        raise UsageError("give ids or selectors, not both", hint=f"jobctl {verb} --help")
    if words:
        return iter([numbers(state, words)])
    if not selected:
        raise UsageError(f"which jobs to {verb}?", hint=f"jobctl {verb} ID…, or a selector like --status failed")
    found = filters(where)
    if ask and not state.yes:
        _confirm(state, verb, found)
    return state.connect().matching(found)


def _confirm(state: State, verb: str, found: Filters) -> None:
    """Asks with the number of jobs and the newest of them, in two statements however many there are."""
    count = state.connect().count(found, cap=COUNTED)
    if not count:
        return
    many = f"{'at least ' if count == COUNTED else ''}{plural(count, 'job')}"
    for job in state.connect().find(found, limit=EXAMPLES):
        echo(f"  {job.id}  {job.status}  {cut(visible(job.title), 60)}", err=True)
    if count > EXAMPLES:
        echo(f"  and {count - EXAMPLES:,} more", err=True)
    if not sys.stdin.isatty():
        match = "matches" if count == 1 else "match"
        raise UsageError(f"{many} {match}", hint=f"Add -y to {verb} them, or --dry-run to see them.")
    if not click.confirm(f"{verb} {many}?", err=True):
        raise click.Abort
