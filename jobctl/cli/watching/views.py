"""Which of the three views shows the jobs that are watched."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

from jobctl.cli.app import State
from jobctl.cli.selectors import Selection
from jobctl.cli.watching.source import Ender, Source
from jobctl.system.environment import variables


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
    began = time.monotonic()
    if wait_for and ids and not state.connect().wait_for(ids, timeout=timeout):
        return 124
    if timeout is not None:
        timeout = max(0.0, timeout - (time.monotonic() - began))
    source = Source(state, ids, where)
    source.look()  # an unknown id is an error before anything is shown
    ender = Ender(ids, timeout, alive)
    interactive = sys.stdin.isatty() and sys.stdout.isatty() and variables.get("TERM") != "dumb"
    try:
        if state.json and not report_to_stderr:
            from jobctl.cli.watching.events import Stream

            return Stream(source, ender).run()
        if interactive and not plain and not report_to_stderr:
            from jobctl.cli.watching.live import Live

            return Live(state, source, ender).run()
        from jobctl.cli.watching.lines import Lines

        return Lines(state, source, ender, to_stderr=report_to_stderr, every=every).run()
    except KeyboardInterrupt:
        if alive is not None:
            state.say("Stopped; progress is kept. To continue: jobctl worker run --drain")
        else:
            state.say(source.farewell())
        return 130
