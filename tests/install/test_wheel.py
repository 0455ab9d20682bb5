"""The wheel in a clean environment, away from the checkout, runs a job."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_installed_wheel_runs_a_job_away_from_the_checkout(tmp_path, database_url, conn):
    place = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    subprocess.run([place / "bin" / "pip", "install", "-q", f"{ROOT}[documents]"], check=True, capture_output=True)
    env = {"JOBCTL_DATABASE_URL": database_url, "JOBCTL_HOME": str(tmp_path / "home"), "PATH": os.environ["PATH"]}

    def run(*words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [place / "bin" / "jobctl", *words], env=env, cwd="/", capture_output=True, text=True, check=True
        )

    assert run("submit", str(ROOT / "tests" / "data" / "lighthouse.md"), "--run").stdout == "1\n"
    assert "horn" in run("search", "fog").stdout
    assert run("db", "check").returncode == 0
    assert "complete -o filenames" in run("completion", "bash").stdout
