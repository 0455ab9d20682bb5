"""A plugin of pytest: runs each test once as it is, and once with each guard switched off that it is to catch.

In a process of its own (see test_python_guards.py), so that no changed code reaches another test. ``GUARDS``: the ids of the
guards, as JSON; ``GUARDS_REPORT``: the file that gets the outcomes.
"""

import json
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

from tests.guards.table import GUARDS, Guard

sys.path.insert(0, str(Path(__file__).parents[1] / "plugin"))

from jobctl_test_guards import switched_off

chosen = [guard for guard in GUARDS if guard.id in json.loads(os.environ["GUARDS"])]
outcomes: list[dict[str, str | None]] = []


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """All runs of one test: as it is first and last, so that no run harms the next."""
    own = [guard for guard in chosen if guard.is_caught_by(item.nodeid)]
    outcomes.extend(run(item, item.parent, guard) for guard in (None, *own))
    outcomes.append(run(item, nextitem, None))
    return True


def run(item: pytest.Item, after: pytest.Item | pytest.Collector | None, guard: Guard | None) -> dict[str, str | None]:
    """``after``: what stays set up is what this has in common with the test; its own module is enough to run it again."""
    off = nullcontext() if guard is None else switched_off(guard.where, guard.old, guard.new)
    try:
        with off, pytest.MonkeyPatch.context() as patch:
            if guard is not None and guard.longest_wait is not None:
                patch.setenv("GUARDS_LONGEST_WAIT", str(guard.longest_wait))
            found = outcome(runtestprotocol(item, log=False, nextitem=after))
    except (AssertionError, AttributeError) as error:  # the code that the guard names was renamed or moved
        found = f"not switched off: {error}"
    return {"test": item.nodeid, "guard": guard and guard.id, "outcome": found}


def outcome(reports: Sequence[pytest.TestReport]) -> str:
    """``passed``, ``caught``: the test itself failed; else what prevented it."""
    for report in reports:
        if report.when != "call" and not report.passed:
            return f"{report.when}: {report.longreprtext}"
    (call,) = (report for report in reports if report.when == "call")
    return "passed" if call.passed else f"caught: {call.longreprtext}"


def pytest_sessionfinish() -> None:
    """Writes the outcomes."""
    Path(os.environ["GUARDS_REPORT"]).write_text(json.dumps(outcomes))
