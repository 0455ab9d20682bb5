"""stats: counts, times and retries, for people and for a monitoring script."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import click

from jobctl.cli.app import State, command, pass_state
from jobctl.cli.files import atomically
from jobctl.cli.output.fields import dumps
from jobctl.cli.output.stats_page import Figures, page
from jobctl.cli.output.table import table
from jobctl.cli.output.text import echo, moment, parse_when, unicode_output, visible
from jobctl.core.errors import UsageError
from jobctl.core.lifecycle import Status
from jobctl.core.names import span
from jobctl.core.rows import Bucket, FailureStats, StageTimes, TypeStats, Window
from jobctl.system import clock

BAR = 30
DECADES = ("up to 0.1s", "0.1 to 1s", "1 to 10s", "10s to 1m", "1 to 10m", "10m to 1h", "1 to 6h", "over 6h")
"""The buckets of ``duration_histogram.sql``."""
HOURS = 24
LEVELS, PLAIN_LEVELS = "▁▂▃▄▅▆▇█", ".:-=+*#@"


@command(
    examples=[
        "jobctl stats --since 24h",
        "jobctl stats -t import_document",
        "jobctl stats --fail-over 'failed>10' -q",
        "jobctl stats --since 7d --html stats.html",
    ]
)
@click.option("--since", metavar="WHEN", help="Only jobs submitted since: 24h, today, 2026-11-24.")
@click.option("-t", "--type", "types", multiple=True, help="Only of this job type; may be repeated.")
@click.option("--queue", help="Only of this queue.")
@click.option("--html", "file", metavar="FILE", help="Write a page with charts to this file; - for stdout.")
@click.option("--fail-over", "limits", multiple=True, metavar="EXPR", help="Exit with 12 if true: 'failed>10'.")
@pass_state
def stats(
    state: State,
    since: str | None,
    types: tuple[str, ...],
    queue: str | None,
    file: str | None,
    limits: tuple[str, ...],
) -> int:
    """Show counts, throughput, waiting and running times, the slowest stages, retries by class of error."""
    start = parse_when(since, option="--since") if since is not None else None
    rules = [_rule(text) for text in limits]
    found = state.connect().stats(since=start, types=types, queue=queue)
    counts = {str(s): sum(row.jobs for row in found.by_type if row.status == s) for s in Status}
    runs = dict(zip(DECADES, _filled(found.buckets, "run", len(DECADES)), strict=True))
    hours = _filled(found.buckets, "hour", HOURS)[::-1]
    figures = Figures(counts, found.by_type, found.failures, runs, hours, found.stages)
    if file is not None:
        about = " ".join([f"{_about(since, types, queue)}.", *_window(found.window)])
        _write(file, page(figures, at=clock.now(), about=about))
    elif state.json:
        body = {"counts": counts, "by_type": [asdict(row) for row in figures.by_type],
                "errors": [asdict(row) for row in figures.failures], "run_s": runs, "ended_by_hour": hours,
                "stages": [asdict(row) for row in figures.stages],
                "window": found.window and asdict(found.window)}  # fmt: skip
        echo(dumps({"v": 1, "kind": "stats", **body}))
    elif not state.quiet:
        window = _window(found.window)
        for line in [*_bars(counts), *_throughput(hours), *_by_type(figures.by_type), *_runs(runs),
                     *_stages(figures.stages), *_errors(figures.failures), *([""] if window else []), *window]:  # fmt: skip
            echo(line)
    broken = [text for text, (name, limit) in zip(limits, rules, strict=True) if counts[name] > limit]
    for text in broken:
        echo(f"threshold crossed: {text}", err=True)
    return 12 if broken else 0


def _write(file: str, text: str) -> None:
    if file == "-":
        echo(text.rstrip())
    else:
        with atomically(Path(file)) as sink:
            sink.write(text.encode())


def _about(since: str | None, types: Sequence[str], queue: str | None) -> str:
    """Which jobs are counted, in words."""
    parts = ["All jobs" if since is None else f"Jobs submitted since {since}"]
    parts += [f"of type {', '.join(types)}"] if types else []
    parts += [f"in queue {queue}"] if queue is not None else []
    return " ".join(parts)


def _rule(text: str) -> tuple[str, int]:
    match = re.fullmatch(r"\s*(\w+)\s*>\s*([0-9]{1,18})\s*", text)
    if not match or match.group(1) not in list(Status):
        raise UsageError(f"--fail-over {text!r} is not STATUS>NUMBER", hint=f"one of: {', '.join(Status)}")
    return match.group(1), int(match.group(2))


def _filled(buckets: Sequence[Bucket], histogram: str, size: int) -> list[int]:
    found = {bucket.position: bucket.jobs for bucket in buckets if bucket.histogram == histogram}
    return [found.get(position, 0) for position in range(size)]


# -- for people ------------------------------------------------------------------------------------------------------


def _bars(counts: Mapping[str, int]) -> list[str]:
    most = max(counts.values(), default=0) or 1
    block = "█" if unicode_output() else "#"
    # whatever is there is seen: a bar of at least one cell
    return [f"{name:<11} {count:>9,} {block * -(-count * BAR // most)}".rstrip() for name, count in counts.items()]


def _throughput(hours: Sequence[int]) -> list[str]:
    if not any(hours):
        return []
    levels, most = (LEVELS if unicode_output() else PLAIN_LEVELS), max(hours)
    drawn = "".join(levels[-(-count * (len(levels) - 1) // most)] for count in hours)
    return ["", f"ended in each of the last {HOURS} hours  {drawn}  {sum(hours):,} in all, at most {most:,} an hour"]


def _by_type(rows: Sequence[TypeStats]) -> list[str]:
    cells = [
        [r.job_type, r.status, f"{r.jobs:,}", _times(r.wait_s), _times(r.run_s), str(r.retries), str(r.crashes),
         f"{r.last_hour:,}"]
        for r in rows if r.run_s
    ]  # fmt: skip
    heads = ["TYPE", "STATUS", "JOBS", "WAIT p50/p90/p99", "RUN p50/p90/p99", "RETRIES", "CRASHES", "LAST HOUR"]
    return ["", *map(visible, table(heads, cells))] if cells else []


def _runs(runs: Mapping[str, int]) -> list[str]:
    if not any(runs.values()):
        return []
    last = max(place for place, count in enumerate(runs.values()) if count)
    return ["", "completed jobs by running time", *_bars(dict(islice(runs.items(), last + 1)))]


def _stages(stages: Sequence[StageTimes]) -> list[str]:
    cells = [[s.job_type, s.stage, f"{s.jobs:,}", _times(s.run_s)] for s in stages]
    return ["", *map(visible, table(["TYPE", "STAGE", "JOBS", "RUN p50/p90/p99"], cells))] if cells else []


def _errors(failures: Sequence[FailureStats]) -> list[str]:
    cells = [
        [f.job_type, f.error_type or "–", str(f.failures), str(f.jobs), f"{f.recovered / f.jobs:.0%}"] for f in failures
    ]
    heads = ["TYPE", "ERROR", "FAILURES", "JOBS", "RECOVERED BY RETRY"]
    return ["", *map(visible, table(heads, cells))] if cells else []


def _window(window: Window | None) -> list[str]:
    """What is not counted."""
    if window is None:
        return []
    since = f", submitted since {moment(window.since, window.since, 'utc')}" if window.since else ""
    return [
        f"Of the newest {window.jobs:,} of about {window.about:,} jobs{since},",
        "and of older ones that are active or failed.",
    ]


def _times(values: list[float] | None) -> str:
    return " / ".join(f"{v:.1f}s" if v < 60 else span(v) for v in values) if values else "–"
