"""watch: a live view on a terminal, plain lines elsewhere, events as NDJSON. With ids it returns their outcome."""

from __future__ import annotations

from typing import Unpack

import click

from jobctl.cli.app import Duration, State, command, pass_state
from jobctl.cli.selectors import Selection, numbers, selectors
from jobctl.cli.watching.views import watch_jobs


@command(examples=["jobctl watch", "jobctl watch 7 && echo done", "jobctl watch -t import_document -o ndjson"])
@click.argument("ids", nargs=-1, metavar="[ID…]")
@selectors
@click.option("--timeout", type=Duration(), help="Limit. Exit code 124.")
@click.option("--plain", is_flag=True, help="Print lines even on a terminal.")
@click.option("--every", type=Duration(), default="60s", show_default=True, help="Maximum time between two lines.")
@click.option("--wait-for", is_flag=True, help="Wait until the jobs exist, for ids that are not there yet.")
@pass_state
def watch(
    state: State,
    ids: tuple[str, ...],
    timeout: float | None,
    plain: bool,
    every: float,
    wait_for: bool,
    **where: Unpack[Selection],
) -> int:
    """Watch jobs live. With ids it ends with them and returns their outcome; without, q or Ctrl-C ends it.

    On a terminal: a screen with keys. In a pipe or in CI: one line per change. With -o ndjson: one event per change.
    """
    wanted = numbers(state, ids) if ids else None
    return watch_jobs(state, wanted, where, timeout=timeout, plain=plain, every=every, wait_for=wait_for)
