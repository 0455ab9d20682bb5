"""What a child does for each job only where it is needed, and that it is done where it is."""

import json
import socket
from dataclasses import replace
from types import SimpleNamespace

import pytest

from jobctl.core.job import PROGRESS_CAP
from jobctl.core.pipeline import Limits
from jobctl.core.retry import storable
from jobctl.worker import child as module
from jobctl.worker.channel import child_end
from jobctl.worker.child import Child
from jobctl.worker.progress import DETAILS_CAP, ProgressReporter
from tests.plugin.jobctl_test_pipelines import noop

STAGE = noop.stages[0]


def test_a_workspace_is_emptied_however_soon_a_file_follows_an_emptying(tmp_path):
    for number in range(100):
        (tmp_path / "file").write_text(str(number))
        (tmp_path / "folder").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "folder")
        module._empty(tmp_path)
        assert list(tmp_path.iterdir()) == []
        module._empty(tmp_path)


@pytest.mark.parametrize("text", ["a", "\x01", '"', "é", "語", "𝒜", "\\"])
@pytest.mark.parametrize("length", [10, 60, 150, 400])
def test_a_progress_fits_its_column_and_its_text_is_there_where_it_fits(text, length):
    reporter = ProgressReporter(lambda _: None)
    reporter.begin(replace(STAGE, name="s" * 100), 0.0, 100.0)
    reporter.update(text * length, current=2**53 - 2, total=2**53 - 1, unit=text * length)
    progress = reporter.snapshot()
    assert len(json.dumps(progress.column())) <= PROGRESS_CAP
    whole = replace(progress, details=storable(text * length, DETAILS_CAP))
    assert (progress.details is None) == (len(json.dumps(whole.column())) > PROGRESS_CAP)


def test_a_limit_on_cpu_is_taken_back_by_the_next_stage_without_one(monkeypatch):
    calls: list[float] = []
    monkeypatch.setattr(module, "limit_own_cpu", calls.append)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        child = Child(child_end(theirs), SimpleNamespace(settings={"stage_cpu": 0.0}), None)
        limited = replace(STAGE, limits=Limits(cpu=5.0))
        for stage in (STAGE, limited, STAGE, STAGE, limited, limited):
            child._limit_cpu(stage)
    assert calls == [5.0, 0.0, 5.0, 5.0]
