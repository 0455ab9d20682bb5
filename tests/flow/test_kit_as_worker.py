"""jobctl.testing.run ends a job as a worker does."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from jobctl import Context, Pipeline, errors, testing
from tests.plugin.jobctl_test_sandbox import reading


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
