"""What a supervisor knows of job types, without loading them."""

import faulthandler
import os

import pytest

from jobctl.core.errors import JobctlError, UnknownJobType
from jobctl.core.pipeline import Limits, Pipeline
from jobctl.wiring import described as module
from jobctl.wiring.described import StageFacts, described
from tests.plugin.jobctl_test_pipelines import Empty, steps

limited = Pipeline("limited", args=Empty, environment=("KEY", "READWISE_*"))


@limited.stage(share=1, timeout="10m", cpu=5, on_timeout="transient")
def one(ctx, args: Empty) -> int:
    return 1


KNOWN = {"limited": limited, "steps": steps}


@pytest.fixture
def loaded(monkeypatch):
    """The job types that this process has loaded."""
    here: list[str] = []

    def load(name: str) -> Pipeline:
        here.append(name)
        if name not in KNOWN:
            raise UnknownJobType(f"unknown job type: {name}", hint="jobctl types lists them")
        return KNOWN[name]

    monkeypatch.setattr(module, "pipeline", load)
    return here


def test_stages_limits_and_variables_are_those_of_the_type_and_it_is_not_loaded_here(loaded):
    working, broken = described(["steps", "limited"])
    assert (list(working), broken, loaded) == (["steps", "limited"], {}, [])
    assert working["limited"].stages == (StageFacts("one", Limits(600.0, 5.0, "transient")),)
    assert working["limited"].environment == ("KEY", "READWISE_*")
    assert [(s.name, s.limits) for s in working["steps"].stages] == [(s.name, s.limits) for s in steps.stages]


def test_a_type_that_cannot_be_loaded_comes_with_its_error_and_the_others_work(loaded):
    working, broken = described(["missing", "limited"])
    assert list(working) == ["limited"]
    assert {name: (str(error), error.hint) for name, error in broken.items()} == {
        "missing": ("unknown job type: missing", "jobctl types lists them")
    }
    assert loaded == ["missing"]


def abort() -> None:
    faulthandler.disable()  # it would print where this process was
    os.abort()


@pytest.mark.parametrize("end", [lambda: os._exit(3), abort, lambda: 1 / 0])
def test_a_package_that_ends_the_process_which_loads_it_is_loaded_here(monkeypatch, loaded, end):
    parent, load = os.getpid(), module.pipeline

    def ending(name: str) -> Pipeline:
        return load(name) if os.getpid() == parent else end()

    monkeypatch.setattr(module, "pipeline", ending)
    working, broken = described(["limited"])
    assert (list(working), broken, loaded) == (["limited"], {}, ["limited"])
    assert isinstance(described(["missing"])[1]["missing"], JobctlError)
