"""jobctl.testing.run ends a job as a worker does."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from pydantic import BaseModel

from jobctl import Context, Pipeline, errors, testing
from tests.plugin.jobctl_test_pipelines import limited
from tests.plugin.jobctl_test_sandbox import reading


class Empty(BaseModel):
    pass


class Args(BaseModel):
    path: Path
    folder: Path | None = None


def counting(*input_files: str) -> Pipeline:
    pipeline = Pipeline("counting", args=Args, input_files=input_files)

    @pipeline.stage(share=1)
    def count(ctx: Context, args: Args) -> dict[str, object]:
        names = sorted(path.name for path in ctx.open(args.folder).iterdir()) if args.folder else []
        return {"words": len(ctx.open(args.path).read_text().split()), "name": ctx.name(args.path), "names": names}

    return pipeline


@pytest.fixture
def poem(tmp_path) -> Path:
    path = tmp_path / "poem.txt"
    path.write_text("one two\nthree\n")
    return path


def test_an_input_file_is_read_from_the_storage_under_its_own_name(poem):
    pipeline = counting("path")
    ran = testing.run(pipeline, {"path": str(poem)})
    assert ran.output == {"words": 3, "name": "poem.txt", "names": []}


def test_a_path_that_is_no_input_file_is_refused_as_on_a_worker(poem, shell, conn):
    with pytest.raises(errors.Invalid) as refused:
        testing.run(reading, {"path": str(poem)})
    shell("submit", "reading", "--set", f"path={poem}")
    assert shell("worker", "run", "--drain").code == 0
    row = conn.execute("SELECT status, error_type, error_message FROM jobs").fetchone()
    assert row[:2] == ("failed", "invalid")
    assert row[2].startswith(str(refused.value))


def test_an_input_root_opens_what_is_below_it(poem):
    ran = testing.run(counting("path"), {"path": str(poem), "folder": str(poem.parent)}, input_roots=[poem.parent])
    assert ran.output == {"words": 3, "name": "poem.txt", "names": ["poem.txt"]}


def test_a_missing_input_file_is_refused_before_a_stage_runs(tmp_path):
    with pytest.raises(errors.UsageError, match="path: no such file"):
        testing.run(counting("path"), {"path": str(tmp_path / "missing.txt")})


def test_an_input_that_is_too_large_is_refused_as_at_a_submit():
    class Long(BaseModel):
        text: str

    pipeline = Pipeline("long", args=Long)
    pipeline.stage(share=1, name="noop")(lambda ctx, args: None)
    with pytest.raises(errors.InvalidArguments, match="larger than 64 KiB"):
        testing.run(pipeline, {"text": "x" * 70_000})


@pytest.mark.parametrize("kind", ["hang", "sleep"])
def test_a_stage_over_its_time_limit_fails_as_its_author_said(kind):
    with pytest.raises(errors.Transient, match="timed out after 1s in waiting"):
        testing.run(limited, {"kind": kind})


def test_a_stage_over_its_limit_of_processor_time_is_invalid_whatever_it_catches():
    pipeline = Pipeline("busy", args=Empty)

    @pipeline.stage(share=1, cpu="1s")
    def spin(ctx: Context, args: Empty) -> None:
        while True:
            try:
                sum(range(10_000))
            except Exception:  # as an author might
                continue

    with pytest.raises(errors.Invalid, match="used 1s of CPU time in spin"):
        testing.run(pipeline, {})


def test_a_limit_counts_from_the_begin_of_its_own_stage():
    pipeline = Pipeline("two", args=Empty)

    @pipeline.stage(share=1)
    def slow(ctx: Context, args: Empty) -> str:
        time.sleep(1.2)
        return "slow"

    @pipeline.stage(share=1, timeout="1s")
    def quick(ctx: Context, before: str) -> str:
        return before

    assert testing.run(pipeline, {}).output == "slow"


def test_a_stage_sees_the_variables_that_its_type_names_and_the_test_has_all_of_them_back(monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "named")
    monkeypatch.setenv("OTHER_TOKEN", "not named")
    pipeline = Pipeline("environment", args=Empty, environment=["MY_*"])

    @pipeline.stage(share=1)
    def look(ctx: Context, args: Empty) -> dict[str, object]:
        os.environ["LEFT_BEHIND"] = "1"
        return {"seen": [os.environ.get("MY_TOKEN"), os.environ.get("OTHER_TOKEN")], "path": os.environ["PATH"]}

    before = dict(os.environ)
    assert testing.run(pipeline, {}).output == {"seen": ["named", None], "path": before["PATH"]}
    assert dict(os.environ) == before


def test_a_timer_that_was_set_before_goes_on():
    rang: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: rang.append(number))
    outer = signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(errors.Transient, match="timed out"):
            testing.run(limited, {"kind": "sleep"})
        assert rang
        signal.setitimer(signal.ITIMER_REAL, 3600.0)
        testing.run(limited_to_an_hour(), {})
        assert 3500 < signal.getitimer(signal.ITIMER_REAL)[0] <= 3600
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *outer)


def test_a_run_outside_the_main_thread_has_no_limits_and_the_same_result():
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(testing.run(limited_to_an_hour(), {}).output))
    thread.start()
    thread.join()
    assert found == ["done"]


def limited_to_an_hour() -> Pipeline:
    pipeline = Pipeline("hour", args=Empty)

    @pipeline.stage(share=1, timeout="1h")
    def work(ctx: Context, args: Empty) -> str:
        return "done"

    return pipeline
