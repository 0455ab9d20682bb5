"""edit: change jobs that wait."""

from __future__ import annotations

from typing import Unpack

import click

from jobctl.cli.app import State, command, pass_state
from jobctl.cli.commands.control import CODES
from jobctl.cli.output.fields import emit
from jobctl.cli.output.text import echo, parse_when, visible
from jobctl.cli.requests import InputOptions, input_data
from jobctl.cli.selectors import numbers
from jobctl.core.edit import Changes
from jobctl.core.job import PRIORITIES, ControlResult


class EditOptions(InputOptions):
    """The values of the options of ``edit``."""

    priority: str | None
    queue: str | None
    title: str | None
    max_retries: int | None
    at: str | None
    dry_run: bool


@command(examples=["jobctl edit 7 --priority high", "jobctl edit 7 8 --at 22:30 --set mode=skip"])
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@click.option("--priority", type=click.Choice(list(PRIORITIES)), help="Queue priority.")
@click.option("--queue", help="Queue.")
@click.option("--title", help="Display title.")
@click.option("--max-retries", type=click.IntRange(0, 100), help="Limit of retries, automatic and manual.")
@click.option("--at", metavar="WHEN", help="Earliest start, as a time.")
@click.option("--payload", metavar="JSON|@FILE|-", help="Fields of the input as a JSON object.")
@click.option(
    "--set", "sets", multiple=True, metavar="K=V", help="One field of the input; V is parsed as JSON if possible."
)
@click.option("--dry-run", is_flag=True, help="Print what would happen; change nothing.")
@pass_state
def edit(state: State, ids: tuple[str, ...], **values: Unpack[EditOptions]) -> int:
    """Change jobs that are pending or paused; the input is validated again."""
    at = parse_when(values["at"], option="--at", ahead=True) if values["at"] is not None else None
    changes = Changes(
        priority=values["priority"], queue=values["queue"], title=values["title"], max_retries=values["max_retries"],
        at=at, input=input_data(state, values),
    )  # fmt: skip
    answers = state.connect().edit(numbers(state, ids), changes, dry_run=values["dry_run"])
    _report(state, answers, dry_run=values["dry_run"])
    return max((CODES.get(answer.outcome, 0) for answer in answers), default=0)


def _report(state: State, answers: list[ControlResult], *, dry_run: bool) -> None:
    if not state.for_people:
        items = [
            {"id": a.id, "answer": a.outcome, "was": a.was and str(a.was), "message": a.message, "hint": a.hint}
            for a in answers
        ]
        emit(state, "answers", "answers", items, dry_run=dry_run)
        return
    for answer in answers:
        bad = answer.outcome in CODES
        if bad or not state.quiet:
            echo(f"{'jobctl: ' if bad else 'dry run: ' if dry_run else ''}{visible(answer.message)}", err=bad)
        if bad and answer.hint:
            echo(f"  {visible(answer.hint)}", err=True)
