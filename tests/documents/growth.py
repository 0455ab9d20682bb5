"""How time grows with size: ratios of CPU time of doubled inputs, never seconds."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable

SIZES = tuple(size for power in range(2, 12) for size in (1 << power, 3 << (power - 1)) if size >= 6)
"""6, 8, 12, 16, 24 … 3072: small steps, so that exponential growth is seen before it hangs."""
LEAST = 0.002
"""CPU seconds under which a ratio is noise."""
MOST = 3.0
"""Ratio of a doubling from which growth counts as more than n log n (a square has 4)."""


def cost(run: Callable[[], object], repeats: int = 3) -> float:
    """Least CPU time of a few runs: what other processes do to caches only adds. The collector stays out of it."""
    best = float("inf")
    gc.disable()
    try:
        for _ in range(repeats):
            started = time.process_time()
            run()
            best = min(best, time.process_time() - started)
            if best > 50 * LEAST:  # long enough to be exact
                break
    finally:
        gc.enable()
    return best


def excess(work: Callable[[int], Callable[[], object]], sizes: Iterable[int] = SIZES) -> str | None:
    """A sentence on the first size that costs more than three times the half and nine times the quarter; else None.

    ``work`` prepares an input of a size and returns what is measured.
    """
    known: dict[int, float] = {}
    for size in sizes:
        known[size] = cost(work(size))
        half, quarter = size // 2, size // 4
        if size % 2 or half not in known or known[size] < LEAST:
            continue
        for _ in range(3):  # a busy machine gets another chance
            if known[size] <= MOST * known[half] or known[size] <= MOST**2 * known.get(quarter, 0.0):
                break
            known[half] = cost(work(half), 5)
            known[size] = min(known[size], cost(work(size), 5))
        if known[size] > MOST * known[half] and known[size] > MOST**2 * known.get(quarter, 0.0):
            return f"{half} → {size}: {known[half]:.4f} → {known[size]:.4f} CPU seconds"
    return None
