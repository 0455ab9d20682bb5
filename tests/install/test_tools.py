"""pipx and uv install the wheel as a command, with and without the engines of documents."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
DOCUMENT = str(ROOT / "tests" / "data" / "lighthouse.md")
INSTALL = {"uv": ("tool", "install"), "pipx": ("install",)}
EPHEMERAL = {"uv": ("tool", "run", "--from"), "pipx": ("run", "--spec")}
HINT = {"uv": "uv tool install 'jobctl[documents]'", "pipx": "pipx runpip jobctl install 'jobctl[documents]'"}


def run(*words: object, env: dict[str, str]) -> subprocess.CompletedProcess:
    return subprocess.run([str(word) for word in words], env=env, cwd="/", capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def tools(tmp_path_factory) -> Path:
    """A folder with pipx and uv."""
    place = tmp_path_factory.mktemp("tools")
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    subprocess.run([place / "bin" / "pip", "install", "-q", "pipx", "uv"], check=True, capture_output=True)
    return place / "bin"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", place, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    (built,) = place.glob("*.whl")
    return built


@pytest.fixture
def env(tmp_path, database_url, conn) -> dict[str, str]:
    """Everything that the tools write is in a folder of the test; settings for pip and uv stay."""
    bins = str(tmp_path / "bin")
    ours = {
        "HOME": str(tmp_path), "UV_TOOL_DIR": str(tmp_path / "uv"), "UV_TOOL_BIN_DIR": bins, "PIPX_HOME": str(tmp_path / "pipx"),
        "PIPX_BIN_DIR": bins, "JOBCTL_DATABASE_URL": database_url, "JOBCTL_HOME": str(tmp_path / "home"),
    }  # fmt: skip
    return {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "UV_", "SSL_", "PATH"))} | ours


@pytest.mark.parametrize("tool", ["uv", "pipx"])
def test_the_job_manager_alone_runs_programs_and_says_how_the_engines_are_added(tool, tools, wheel, env, tmp_path):
    assert run(tools / tool, *INSTALL[tool], wheel, env=env).returncode == 0
    jobctl = tmp_path / "bin" / "jobctl"
    done = run(jobctl, "submit", "--run", "--", "true", env=env)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
    refused = run(jobctl, "submit", DOCUMENT, env=env)
    said = f"jobctl: process_document needs jobctl[documents]\n  {HINT[tool]}\n"
    assert (refused.returncode, refused.stderr) == (5, said)


@pytest.mark.parametrize("tool", ["uv", "pipx"])
def test_with_the_engines_a_document_is_read(tool, tools, wheel, env, tmp_path):
    assert run(tools / tool, *INSTALL[tool], f"{wheel}[documents]", env=env).returncode == 0
    done = run(tmp_path / "bin" / "jobctl", "submit", DOCUMENT, "--run", env=env)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


@pytest.mark.parametrize("tool", ["uv", "pipx"])
def test_it_runs_without_being_installed(tool, tools, wheel, env):
    """As ``uvx`` does, which is ``uv tool run``."""
    done = run(tools / tool, *EPHEMERAL[tool], wheel, "jobctl", "submit", "--run", "--", "true", env=env)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
