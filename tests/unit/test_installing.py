"""The command that installs what is missing fits the tool that made the environment."""

import sys

import pytest

from jobctl.core.installing import install_command


@pytest.fixture
def place(tmp_path, monkeypatch):
    place = tmp_path / "my tool"
    place.mkdir()
    monkeypatch.setattr(sys, "prefix", str(place))
    return place


def test_pip_installs_into_an_ordinary_environment(place):
    assert install_command("jobctl[s3]", "films[film]") == "pip install 'jobctl[s3]' 'films[film]'"


def test_pipx_runs_the_pip_of_the_environment_that_it_made(place):
    (place / "pipx_metadata.json").touch()
    assert install_command("jobctl[documents]") == "pipx runpip 'my tool' install 'jobctl[documents]'"


def test_uv_keeps_an_extra_of_the_tool_and_adds_other_packages_to_its_environment(place):
    (place / "uv-receipt.toml").touch()
    assert install_command("jobctl[documents]") == "uv tool install 'jobctl[documents]'"
    assert install_command("films[film]") == f"uv pip install --python '{place}' 'films[film]'"
