"""torture: inject faults while jobs run and check that nothing is lost or done twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jobctl.cli.app import Duration, State, pass_state
from jobctl.cli.app import command as command_
from jobctl.cli.output.fields import dumps
from jobctl.cli.output.table import table
from jobctl.cli.output.text import echo

if TYPE_CHECKING:
    from jobctl.torture import Report


@command_("torture")
@click.option(
    "--seconds", "seconds_", type=Duration(), default="60s", show_default=True, help="How long at least: 90s, 20m, 1h."
)
@click.option(
    "--min-faults", type=click.IntRange(min=0), default=0, show_default=True, help="Go on until this many faults."
)
@click.option(
    "--min-completed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Go on until this many jobs have completed.",
)
@click.option("--workers", type=click.IntRange(2, 32), default=3, show_default=True, help="Worker processes.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the random generator.")
@click.option("--rate", type=click.FloatRange(0.1, 50), default=3.0, show_default=True, help="Faults per second.")
@click.option("--fault", "only", multiple=True, help="Inject only this fault; can be repeated.")
@pass_state
def torture(
    state: State,
    seconds_: float,
    min_faults: int,
    min_completed: int,
    workers: int,
    seed: int,
    rate: float,
    only: tuple[str, ...],
) -> int:
    """Inject faults at random while jobs run, then check the history.

    Without --db it runs on an embedded server of its own, which is crashed too; with --db in a new database of that server,
    which is dropped afterwards. Ctrl-C ends it early and checks what was done. Exit code 12 when a job was lost, work was
    done twice, a stale attempt was accepted, or a result is wrong.
    """
    from jobctl.torture import TortureConfig
    from jobctl.torture import torture as run

    plan = TortureConfig(
        seconds=seconds_, min_faults=min_faults, min_completed=min_completed, workers=workers, seed=seed,
        faults_a_second=rate, only=only, url=state.text("db"),
    )  # fmt: skip
    report = run(plan, report_progress=state.notice)
    if state.json:
        echo(dumps(_document(report, seed)))
    else:
        _show(report)
    return 0 if report.verdict.clean else 12


def _document(report: Report, seed: int) -> dict[str, object]:
    verdict = report.verdict
    return {
        "v": 1, "kind": "torture", "seconds": round(report.seconds, 1), "seed": seed, "faults": dict(report.faults),
        "requests": dict(report.requests), "jobs": dict(report.statuses), "verdict": dict(verdict.by_kind),
        "findings": verdict.findings,
    }  # fmt: skip


def _show(report: Report) -> None:
    verdict = report.verdict
    for title, found in (
        ("FAULT", report.faults),
        ("REQUEST", report.requests),
        ("JOBS", report.statuses),
        ("VERDICT", verdict.by_kind),
    ):
        for line in table([title, "COUNT"], [[name, f"{count:,}"] for name, count in sorted(found.items())]):
            echo(line)
        echo()
    for finding in verdict.findings:
        echo(finding)
    outcome = "nothing lost, duplicated, stale or wrong" if verdict.clean else "the history has violations"
    echo(f"{report.faults.total():,} faults in {report.seconds:.0f} s: {outcome}")
