"""Which of the three views shows the jobs that are watched."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

from jobctl.cli.app import State
from jobctl.cli.selectors import Selection
from jobctl.cli.watching.source import Ender, Source
from jobctl.system.environment import variables

CONTINUE = "Stopped; progress is kept. To continue: jobctl worker run --drain"


def watch_jobs(
    state: State,
    ids: Sequence[int] | None,
    where: Selection,
    *,
    timeout: float | None = None,
    plain: bool = False,
    every: float = 60.0,
    alive: Callable[[], bool] | None = None,
    report_to_stderr: bool = False,
    wait_for: bool = False,
) -> int:
    """Watches until the jobs have ended; returns the exit code. ``alive``: also until this is false (``submit --run``).

    ``wait_for``: waits until all ids exist first; ``timeout`` counts from the start.
    """
    if wait_for and ids:
        began = time.monotonic()
        if not state.connect().wait_for(ids, timeout=timeout):
            return 124
        timeout = None if timeout is None else max(0.0, timeout - (time.monotonic() - began))
    source = Source(state, ids, where)
    source.poll()  # an unknown id is an error before anything is shown
    ender = Ender(ids, timeout, alive)
    try:
        if report_to_stderr or not (state.json or _is_screen(plain=plain)):
            from jobctl.cli.watching.lines import Lines

            return Lines(state, source, ender, to_stderr=report_to_stderr, every=every).run()
        if state.json:
            from jobctl.cli.watching.events import Stream

            return Stream(source, ender).run()
        from jobctl.cli.watching.live import Live

        return Live(state, source, ender).run()
    except KeyboardInterrupt:
        state.notice(CONTINUE if alive is not None else source.closing_line())
        return 130


def _is_screen(*, plain: bool) -> bool:
    """Whether a full screen with keys is wanted and possible."""
    return not plain and sys.stdin.isatty() and sys.stdout.isatty() and variables.get("TERM") != "dumb"
