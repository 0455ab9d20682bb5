"""Metrics in Prometheus' text format.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0)
"""Upper bounds of the buckets of durations: from a job of nothing to a job of a day."""

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """A name with its help text. ``labels`` are the names of its labels, which its documentation lists too."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """A value. ``suffix`` is what a histogram appends to the name of its metric."""

    value: float
    labels: Labels = ()
    suffix: str = ""


class Histogram:
    """How often values fell below each of some bounds."""

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Counts a value in the first bucket whose bound is not below it."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def samples(self, labels: Labels = ()) -> list[Sample]:
        """Buckets, which are cumulative, then the sum and the number of all values."""
        counts = list(accumulate(self._counts))
        bounds = [f"{bound:g}" for bound in self._bounds] + ["+Inf"]
        buckets = [
            Sample(count, (*labels, ("le", bound)), "_bucket") for bound, count in zip(bounds, counts, strict=True)
        ]
        return [*buckets, Sample(self._sum, labels, "_sum"), Sample(counts[-1], labels, "_count")]


def exposition(metrics: Iterable[Metric], samples: Mapping[str, Sequence[Sample]]) -> str:
    """The page of a scrape: each metric with its samples, also one that has none yet."""
    lines = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
        lines += [
            f"{metric.name}{sample.suffix}{_labels(sample.labels)} {_number(sample.value)}"
            for sample in samples.get(metric.name, ())
        ]
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _labels(pairs: Labels) -> str:
    escaped = (f'{name}="{_escaped(value)}"' for name, value in pairs)
    return f"{{{','.join(escaped)}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
