"""Each guard of table.py switched off in turn: the test that it names fails, and passes with the guard in its place."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.guards.table import GUARDS, Guard

pytestmark = pytest.mark.timeout(900)


def parameter(guard: Guard) -> object:
    return pytest.param(guard, id=guard.id, marks=[pytest.mark.slow] if guard.slow else [])


@pytest.fixture(scope="module")
def outcomes(request, server_url, tmp_path_factory) -> list[dict]:
    """What the tests of all guards that are asked for did: one process, because its start costs more than its tests."""
    items = [item for item in request.session.items if getattr(item, "function", None) is test_a_guard_is_caught]
    guards = [item.callspec.params["guard"] for item in items]
    report = tmp_path_factory.mktemp("guards") / "report.json"
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-m", "", "-p", "tests.guards.runner", "-p", "no:cacheprovider",
            *sorted({guard.caught_by for guard in guards}),
        ],
        cwd=ROOT, capture_output=True, text=True, timeout=850, check=False,
        env={
            **os.environ, "JOBCTL_TEST_DATABASE_URL": server_url, "GUARDS": json.dumps([guard.id for guard in guards]),
            "GUARDS_REPORT": str(report),
        },
    )  # fmt: skip
    assert report.exists(), done.stdout + done.stderr
    return json.loads(report.read_text())


def runs(outcomes: list[dict], guard: Guard, *, off: bool) -> list[str]:
    """How the test of a guard ended."""
    wanted = guard.id if off else None
    return [row["outcome"] for row in outcomes if row["guard"] == wanted and guard.is_caught_by(row["test"])]


@pytest.mark.parametrize("guard", map(parameter, GUARDS))
def test_a_guard_is_caught(outcomes, guard):
    assert set(runs(outcomes, guard, off=False)) == {"passed"}
    found = runs(outcomes, guard, off=True)
    assert any(outcome.startswith("caught: ") for outcome in found), found


def test_no_guard_is_named_twice():
    assert len({guard.id for guard in GUARDS}) == len(GUARDS)
