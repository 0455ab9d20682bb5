"""``jobctl types new``: from an empty folder to a completed job on a worker."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import PLUGIN


def test_the_package_is_installed_tested_and_run_by_a_worker(shell, tmp_path):
    made = shell("types", "new", "word_count")
    assert (made.code, made.out) == (0, "word_count\n")
    package, target = tmp_path / "word_count", tmp_path / "installed"
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--target",
    ]
    subprocess.run([*install, str(target), str(package)], check=True, capture_output=True)
    path = f"{target}{os.pathsep}{PLUGIN}"
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(package)], capture_output=True, text=True,
        env={**shell.env, "PYTHONPATH": path}, cwd=package, check=False,
    )  # fmt: skip
    assert tested.returncode == 0, tested.stdout + tested.stderr
    (tmp_path / "text.txt").write_text("one two\nthree\n")
    env = {"PYTHONPATH": path}
    shown = json.loads(shell("types", "word_count", "--json", env=env).out)
    assert [stage["name"] for stage in shown["types"][0]["stages"]] == ["reading", "counting"]
    assert shell("submit", "word_count", "--set", "path=text.txt", env=env).code == 0
    assert shell("worker", "run", "--drain", env=env).code == 0
    job = json.loads(shell("show", 1, "--json", "--result").out)
    assert (job["status"], job["output"], job["display_name"]) == ("completed", [2, 1], "Word count: text.txt")


@pytest.mark.parametrize("name", ["Word", "1st", "a-b", "a b", "../x", "class", "", "é"])
def test_a_name_that_is_not_one_of_a_module_is_refused(cli, tmp_path, name):
    assert cli("types", "new", name).code == 2
    assert list(tmp_path.glob("*/pyproject.toml")) == []


def test_nothing_is_overwritten(cli, tmp_path):
    (tmp_path / "taken").mkdir()
    assert cli("types", "new", "taken").code == 2
    assert cli("types", "new", "taken", "--into", "other").out == "other/taken\n"
    assert cli("types", "new").code == 2
    assert cli("types", "a", "b").code == 2
    assert cli("types", "steps", "--into", "x").code == 2


def test_the_name_of_a_job_type_is_no_folder(cli, conn, tmp_path):
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "a.md").write_text("# A")
    assert cli("submit", "steps").code == 0
    assert cli("submit", "./steps").code == 0
    assert conn.execute("SELECT job_type FROM jobs ORDER BY id").fetchall() == [("steps",), ("process_document",)]
