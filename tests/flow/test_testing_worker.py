"""The kit's worker: real, on a database of its own, gone afterwards."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from jobctl import testing
from jobctl.testing.worker import worker
from tests.conftest import PLUGIN


def test_a_pipeline_is_run_by_a_real_worker_that_leaves_nothing(monkeypatch):
    monkeypatch.syspath_prepend(PLUGIN)
    with worker() as running:
        assert running.run("steps", {"items": 4}) == {"total": 14, "count": 4}
        with pytest.raises(testing.JobFailed, match="failed"):
            running.run("trouble", {"kind": "permanent"}, max_retries=0)
        home = Path(running.client.queue.connection.info.host).parents[1]
        assert home.is_dir()
    assert not home.exists()


def test_the_plug_in_is_published_and_loads_nothing_of_jobctl_until_it_is_used():
    (entry,) = entry_points(group="pytest11", name="jobctl")
    assert entry.value == "jobctl.pytest_plugin"
    code = "import sys, jobctl.pytest_plugin as p; print(sorted(m for m in sys.modules if m.startswith('jobctl.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "psycopg" not in done.stdout
