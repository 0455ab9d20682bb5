"""The packages of job types that the pages show, from an empty folder to completed jobs on a worker."""

import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.sessions import Desk, environment

ROOT = Path(__file__).parents[2]
PORT = "8765"
"""The port of the tutorial; the test takes one that is free."""


@pytest.fixture
def desk(shell, reachable_tmp) -> Iterator[Desk]:
    """An empty folder that the account of a root worker's children can enter, and an environment of its own."""
    folder = reachable_tmp / "author"
    folder.mkdir()
    home = {**shell.env, "PYTHONPATH": "", "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    with environment(reachable_tmp, home) as env:
        desk = Desk(folder, env)
        yield desk
        desk.close()
    for created in (folder, reachable_tmp / "env"):
        shutil.rmtree(created)


def section(page: str, start: str, end: str) -> str:
    text = (ROOT / page).read_text()
    return text[text.index(start) : text.index(end)]


@pytest.mark.timeout(240)
def test_the_package_of_the_readme_runs_on_a_plain_worker(desk):
    assert desk.follow(section("README.md", "## Your own job types", "## Commands")) == 5


@pytest.mark.timeout(240)
def test_the_tutorial_runs_from_an_empty_folder_to_a_resumed_job(desk):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])

    def service_is_up(line: str) -> None:
        deadline = time.monotonic() + 60
        while line == "jobctl retry 3":
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", int(port))) == 0:
                    return
            assert time.monotonic() < deadline
            time.sleep(0.05)

    text = (ROOT / "docs" / "AUTHORS.md").read_text()
    assert desk.follow(text.replace(PORT, port), before=service_is_up) >= 20
