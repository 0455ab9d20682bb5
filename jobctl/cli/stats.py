"""stats: counts, times and retries, for people and for a monitoring script."""

from __future__ import annotations

import re
from typing import Any

import click

from jobctl.cli.frame import State, command, pass_state
from jobctl.cli.render import dumps, table
from jobctl.cli.text import parse_when, span, unicode_output
from jobctl.core.errors import UsageError
from jobctl.core.lifecycle import Status

BAR = 30


@command()
@click.option("--since", metavar="WHEN", help="Only jobs submitted since: 24h, 2026-11-24.")
@click.option("--fail-over", "limits", multiple=True, metavar="EXPR", help="Exit 12 when it holds: 'failed>10'.")
@pass_state
def stats(state: State, since: str | None, limits: tuple[str, ...]) -> int:
    """Show counts, waiting and running times, retries by class of error."""
    moment = parse_when(since) if since else None
    if since and moment is None:
        raise UsageError(f"--since {since!r} is no time", hint="24h, 2026-11-24")
    rules = [_rule(text) for text in limits]
    queue = state.connect().queue
    rows, failures = queue.run("stats", since=moment), queue.run("errors", since=moment)
    counts = {str(s): sum(r["jobs"] for r in rows if r["status"] == s) for s in Status}
    if state.output in ("json", "ndjson"):
        click.echo(dumps({"v": 1, "kind": "stats", "counts": counts, "by_type": rows, "errors": failures}))
    else:
        _print(counts, rows, failures)
    broken = [text for text, (name, limit) in zip(limits, rules, strict=True) if counts[name] > limit]
    for text in broken:
        state.say(f"threshold crossed: {text}")
    return 12 if broken else 0


def _rule(text: str) -> tuple[str, int]:
    match = re.fullmatch(r"\s*(\w+)\s*>\s*(\d+)\s*", text)
    if not match or match.group(1) not in list(Status):
        raise UsageError(f"--fail-over {text!r} is not STATUS>NUMBER", hint=f"one of: {', '.join(Status)}")
    return match.group(1), int(match.group(2))


def _print(counts: dict[str, int], rows: list[dict[str, Any]], failures: list[dict[str, Any]]) -> None:
    most = max(counts.values(), default=0) or 1
    block = "█" if unicode_output() else "#"
    for name, count in counts.items():
        click.echo(f"{name:<11} {count:>8,} {block * round(count / most * BAR)}".rstrip())
    done = [r for r in rows if r["run_s"]]
    if done:
        click.echo()
        cells = [
            [
                r["job_type"],
                r["status"],
                f"{r['jobs']:,}",
                *(_times(r[k]) for k in ("wait_s", "run_s")),
                str(r["retries"]),
                f"{r['last_hour']:,}",
            ]
            for r in done
        ]
        for line in table(["TYPE", "STATUS", "JOBS", "WAIT 50/90/99", "RUN 50/90/99", "RETRIES", "LAST HOUR"], cells):
            click.echo(line)
    if failures:
        click.echo()
        cells = [
            [
                f["job_type"],
                f["error_type"] or "–",
                str(f["failures"]),
                str(f["jobs"]),
                f"{f['mended'] / f['jobs']:.0%}",
            ]
            for f in failures
        ]
        for line in table(["TYPE", "ERROR", "FAILURES", "JOBS", "MENDED"], cells):
            click.echo(line)


def _times(values: list[float] | None) -> str:
    return " / ".join(f"{v:.1f}s" if v < 60 else span(v) for v in values) if values else "–"
