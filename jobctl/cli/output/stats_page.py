"""The figures of ``stats`` as one HTML page: no script, no other file, light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from jobctl.cli.output.text import visible
from jobctl.core.lifecycle import Status
from jobctl.core.names import span
from jobctl.core.rows import FailureStats, StageTimes, TypeStats

WIDTH, HEIGHT = 720, 160
"""Units of a chart; it scales to the page."""
STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --line: #d1d9e0; --back: #fff; --bar: #0969da; --bad: #cf222e }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9198a1; --line: #3d444d; --back: #0d1117; --bar: #4493f8; --bad: #f85149 }
}
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 60rem; background: var(--back); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif }
h1 { font-size: 1.4rem; margin: 0 } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem }
p { color: var(--soft); margin: .25rem 0 }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .75rem; margin: 1rem 0 }
dl div { border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .75rem }
dt { color: var(--soft); font-size: .85rem } dd { margin: 0; font-size: 1.4rem; font-variant-numeric: tabular-nums }
dd.bad { color: var(--bad) }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap }
th:first-child, td:first-child, th.text, td.text { text-align: left } th { color: var(--soft); font-weight: 500 }
svg { width: 100%; min-width: 36rem; height: auto; display: block } rect { fill: var(--bar) }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif }
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What ``stats`` shows, in every form. ``runs``: completed jobs by running time; ``hours``: ended, the oldest hour first."""

    counts: Mapping[str, int]
    by_type: Sequence[TypeStats]
    failures: Sequence[FailureStats]
    runs: Mapping[str, int]
    hours: Sequence[int]
    stages: Sequence[StageTimes]


def page(figures: Figures, *, at: datetime, about: str) -> str:
    """The whole page. ``about`` says which jobs are counted."""
    parts = [
        _counts(figures.counts),
        _section("Ended in each of the last 24 hours", _columns(_hours(figures.hours))),
        _section("Waiting and running time", _types(figures.by_type)),
        _section("Completed jobs by running time", _columns(figures.runs)),
        _section("Slowest stages", _stages(figures.stages)),
        _section("Failures and retries", _failures(figures.failures)),
    ]
    body = "\n".join(part for part in parts if part)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>jobctl stats</title>
<style>{STYLE}</style>
</head>
<body>
<h1>jobctl stats</h1>
<p>{_text(about)}, at {at:%Y-%m-%d %H:%M} UTC</p>
{body}
</body>
</html>
"""


def _counts(counts: Mapping[str, int]) -> str:
    cells = "".join(
        f"<div><dt>{_text(name)}</dt><dd{' class=bad' if name == Status.FAILED and count else ''}>{count:,}</dd></div>"
        for name, count in counts.items()
    )
    return f"<dl>{cells}</dl>"


def _types(rows: Sequence[TypeStats]) -> str:
    heads = (
        "Type",
        "Status",
        "Jobs",
        "Wait p50",
        "p90",
        "p99",
        "Run p50",
        "p90",
        "p99",
        "Retries",
        "Crashes",
        "Last hour",
    )
    cells = (
        (r.job_type, r.status, f"{r.jobs:,}", *_times(r.wait_s), *_times(r.run_s), f"{r.retries:,}", f"{r.crashes:,}",
         f"{r.last_hour:,}")
        for r in rows
    )  # fmt: skip
    return _table(heads, cells)


def _stages(rows: Sequence[StageTimes]) -> str:
    cells = ((row.job_type, row.stage, f"{row.jobs:,}", *_times(row.run_s)) for row in rows)
    return _table(("Type", "Stage", "Jobs", "Run p50", "p90", "p99"), cells)


def _failures(rows: Sequence[FailureStats]) -> str:
    cells = (
        (row.job_type, row.error_type or "–", f"{row.failures:,}", f"{row.jobs:,}", f"{row.recovered / row.jobs:.0%}")
        for row in rows
    )
    return _table(("Type", "Error", "Failures", "Jobs", "Completed by a retry"), cells)


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{title}</h2>\n{content}\n</section>" if content else ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first two columns are words, the others numbers. Empty without rows."""
    marks = [" class=text" if place < 2 else "" for place in range(len(heads))]

    def line(tag: str, cells: Sequence[str]) -> str:
        filled = zip(marks, cells, strict=True)
        return "<tr>" + "".join(f"<{tag}{mark}>{_text(cell)}</{tag}>" for mark, cell in filled) + "</tr>"

    body = "\n".join(line("td", row) for row in rows)
    if not body:
        return ""
    return f"<div class=wide><table>\n<thead>{line('th', heads)}</thead>\n<tbody>\n{body}\n</tbody></table></div>"


def _hours(hours: Sequence[int]) -> dict[str, int]:
    """Labels count back from the present hour, which is the last."""
    return {
        ("now" if back == 0 else f"-{back}h"): count
        for back, count in zip(range(len(hours) - 1, -1, -1), hours, strict=True)
    }


def _columns(values: Mapping[str, int]) -> str:
    """A chart of one column a value, its number above, every label that has room below. Empty where all are 0."""
    most = max(values.values())
    if most == 0:
        return ""
    step = WIDTH / len(values)
    room = 1 + int(60 // step)
    drawn = []
    for place, (label, count) in enumerate(values.items()):
        x, height = place * step, count / most * (HEIGHT - 40)
        middle = x + step / 2
        drawn.append(
            f'<rect x="{x + step * 0.1:.1f}" y="{HEIGHT - 20 - height:.1f}" width="{step * 0.8:.1f}" height="{height:.1f}" rx="2">'
            f"<title>{_text(label)}: {count:,}</title></rect>"
        )
        if count and (count == most or room == 1):
            drawn.append(f'<text x="{middle:.1f}" y="{HEIGHT - 25 - height:.1f}" text-anchor="middle">{count:,}</text>')
        if (len(values) - 1 - place) % room == 0:
            drawn.append(f'<text x="{middle:.1f}" y="{HEIGHT - 5}" text-anchor="middle">{_text(label)}</text>')
    return f'<div class=wide><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(drawn)}</svg></div>'


def _times(values: Sequence[float] | None) -> tuple[str, str, str]:
    if not values:
        return "–", "–", "–"
    first, second, third = (f"{value:.1f}s" if value < 60 else span(value) for value in values)
    return first, second, third


def _text(value: str) -> str:
    return escape(visible(value))
