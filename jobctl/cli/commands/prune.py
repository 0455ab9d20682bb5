"""prune: retention, and bytes that nothing refers to."""

from __future__ import annotations

from dataclasses import asdict, replace

import click

from jobctl.cli.app import Duration, State, command, pass_state
from jobctl.cli.output.fields import dumps
from jobctl.cli.output.text import echo
from jobctl.core.lifecycle import DONE
from jobctl.core.names import plural


@command("prune")
@click.option(
    "--jobs-older",
    type=Duration(),
    help="Jobs that ended longer ago than this, with their history; default by status and type (keep_jobs).",
)
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
def prune(
    state: State, jobs_older: float | None, older: float | None, results_older: float | None, dry_run: bool
) -> int:
    """Remove ended jobs that were kept long enough, their checkpoints and large results, and unreferenced files.

    Workers do the same by themselves, but for the unreferenced files. Safe while they run. A job with a large result
    is kept as long as the result, and one that another job waits for as long as that.
    """
    from jobctl import wiring

    rules = wiring.retention_rules(state.settings())
    if jobs_older is not None:
        rules = replace(rules, jobs=dict.fromkeys(DONE, jobs_older))
    if older is not None:
        rules = replace(rules, checkpoints=older)
    if results_older is not None:
        rules = replace(rules, results=results_older)
    done = state.connect().prune(rules, dry_run=dry_run)
    if state.json:
        echo(dumps({"v": 1, "kind": "prune", "dry_run": dry_run, **asdict(done)}))
    elif not state.quiet:
        what = (
            f"{plural(done.jobs, 'ended job')}; {plural(done.checkpoints, 'checkpoint')} and "
            f"{plural(done.results, 'result')} of ended jobs; {plural(done.orphans, 'unreferenced file')}"
        )
        echo(f"{'would remove' if dry_run else 'removed'}: {what}")
    return 0
