"""prune: retention, and bytes that nothing refers to."""

from __future__ import annotations

import click

from jobctl.cli.app import Duration, State, command, pass_state
from jobctl.cli.output.fields import dumps
from jobctl.cli.output.text import echo
from jobctl.core.names import plural

DAY = 86_400.0


@command("prune")
@click.option(
    "--older",
    type=Duration(),
    help="Checkpoints of jobs that ended longer ago than this; default 7d (keep_checkpoints_days).",
)
@click.option(
    "--results-older",
    type=Duration(),
    help="Stored results of jobs completed longer ago than this; default 90d (keep_results_days).",
)
@click.option("--dry-run", is_flag=True, help="Print what would be removed; remove nothing.")
@pass_state
def prune(state: State, older: float | None, results_older: float | None, dry_run: bool) -> int:
    """Remove checkpoints and large results of jobs that ended long ago, and unreferenced files.

    Safe while workers run; for cron, once a day. Jobs, their history and their small results stay.
    """
    settings = state.settings()
    age = older if older is not None else settings.values["keep_checkpoints_days"] * DAY
    results_age = results_older if results_older is not None else settings.values["keep_results_days"] * DAY
    done = state.connect().prune(older=age, results_older=results_age, dry_run=dry_run)
    if state.json:
        found = {"checkpoints": done.checkpoints, "results": done.results, "orphans": done.orphans}
        echo(dumps({"v": 1, "kind": "prune", "dry_run": dry_run, **found}))
    elif not state.quiet:
        what = (
            f"{plural(done.checkpoints, 'checkpoint')} and {plural(done.results, 'result')} of ended jobs, "
            f"{plural(done.orphans, 'unreferenced file')}"
        )
        echo(f"{'would remove' if dry_run else 'removed'}: {what}")
    return 0
