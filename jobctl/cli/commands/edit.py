"""edit: change jobs that wait."""

from __future__ import annotations

from typing import Unpack

import click

from jobctl.cli.app import State, command, pass_state
from jobctl.cli.commands.control import report
from jobctl.cli.options import max_retries_option, set_option, title_option
from jobctl.cli.output.text import parse_when
from jobctl.cli.requests import InputOptions, input_data
from jobctl.cli.selectors import numbers
from jobctl.core.edit import Changes
from jobctl.core.job import PRIORITIES


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
@title_option
@max_retries_option
@click.option("--at", metavar="WHEN", help="Earliest start, as a time.")
@click.option("--payload", metavar="JSON|@FILE|-", help="Fields of the input as a JSON object.")
@set_option
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
    return report(state, answers, dry_run=values["dry_run"])
