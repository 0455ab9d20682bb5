"""prune: retention, and bytes that nothing refers to."""

from __future__ import annotations

import click

from jobctl.cli.app import Duration, State, command, pass_state
from jobctl.cli.output.fields import dumps
from jobctl.cli.output.text import echo

DAY = 86_400.0


@command("prune")
@click.option(
    "--older",
    type=Duration(),
    help="Checkpoints of jobs that ended longer ago than this; default 7d (keep_checkpoints_days).",
)
@click.option("--dry-run", is_flag=True, help="Print what would be removed; remove nothing.")
@pass_state
def prune(state: State, older: float | None, dry_run: bool) -> int:
    """Remove checkpoints of jobs that ended long ago, and unreferenced files.

    Safe while workers run; for cron, once a day. Jobs, their history and their results stay.
    """
    age = older if older is not None else float(state.settings()["keep_checkpoints_days"]) * DAY
    done = state.connect().prune(older=age, dry_run=dry_run)
    if state.json:
        body = {"v": 1, "kind": "prune", "dry_run": dry_run, "checkpoints": done.checkpoints, "orphans": done.orphans}
        echo(dumps(body))
    elif not state.quiet:
        what = f"{done.checkpoints} checkpoints of ended jobs, {done.orphans} unreferenced files"
        echo(f"{'would remove' if dry_run else 'removed'}: {what}")
    return 0
