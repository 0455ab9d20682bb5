"""What is printed from the code is as it would be printed now; what the README says can be typed."""

import importlib.metadata
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from pydantic import BaseModel

from jobctl import Context, Pipeline, errors, testing
from jobctl.cli.completion import script
from jobctl.cli.registry import COMMANDS
from jobctl.core.lifecycle import MOVES, diagram
from tests.docs.sessions import Command, comparable, steps

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_diagram_and_the_table_are_those_of_the_code():
    page = (ROOT / "docs" / "JOB_SYSTEM.md").read_text()
    assert diagram() in page
    for move in MOVES:
        assert f"| {move.name} |" in page
        assert move.sentence in page


@pytest.mark.parametrize(("shell", "file"), [("bash", "jobctl.bash"), ("zsh", "_jobctl"), ("fish", "jobctl.fish")])
def test_the_completions_are_those_of_the_commands(shell, file):
    assert (ROOT / "completions" / file).read_text() == script(shell), "make completions"


IDS = "7\tpause,cancel\tProcessing: Dune\n8\tresume,cancel\tProcessing: Emma\n"
TYPED = (  # what is typed before the TAB, what is offered; + at the end: and more
    ("jobctl su", ["submit"]),
    ("jobctl pause ", ["7", "@last"]),
    ("jobctl resume ", ["8", "@last"]),
    ("jobctl show ", ["7", "8", "@last"]),
    ("jobctl list -s fa", ["failed"]),
    ("jobctl list -s failed --so", ["--sort"]),
    ("jobctl --db postgres://x list -o nd", ["ndjson"]),
    ("jobctl list --fields progress.pe", ["progress.percent"]),
    ("jobctl --timeout 3s worker dr", ["drain"]),
    ("jobctl worker run --dr", ["--drain"]),
    ("jobctl queue pause --r", ["--reason"]),
    ("jobctl submit readw", ["readwise_import"]),
    ("jobctl submit --priority low", ["low", "lowest"]),
    ("jobctl list --since ", []),
    ("jobctl help exit", ["exit-codes"]),
)


@pytest.fixture
def cached(tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "ids").write_text(IDS)
    return {"JOBCTL_HOME": str(tmp_path), "PATH": os.environ["PATH"], "HOME": str(tmp_path)}


def test_bash_offers_commands_options_values_and_the_ids_that_fit_the_verb(cached):
    """In a shell that finds no program at all: a TAB starts none."""
    lines = [f"source {shlex.quote(str(ROOT / 'completions' / 'jobctl.bash'))}", "PATH=/nonexistent"]
    for typed, _ in TYPED:
        words = typed.split(" ")
        lines += [
            f'COMP_WORDS=({" ".join(map(shlex.quote, words))}); COMP_CWORD={len(words) - 1}; _jobctl; echo "${{COMPREPLY[*]}}"'
        ]
    done = subprocess.run(["bash", "-c", "\n".join(lines)], capture_output=True, text=True, env=cached, check=True)
    assert done.stderr == ""
    for (typed, offered), line in zip(TYPED, done.stdout.splitlines(), strict=True):
        assert sorted(line.split()) == sorted(offered), typed


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed: apt install fish")
def test_fish_offers_the_same(cached):
    lines = [f"source {shlex.quote(str(ROOT / 'completions' / 'jobctl.fish'))}"]
    lines += [f"echo (complete -C {shlex.quote(typed)} | string split -f1 \\t)" for typed, _ in TYPED]
    done = subprocess.run(
        ["fish", "-N", "-c", "\n".join(lines)], capture_output=True, text=True, env=cached, check=False
    )
    told = done.stdout.split("\n")
    for (typed, offered), line in zip(TYPED, told, strict=False):
        assert set(offered) <= set(line.split()), (typed, line)


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed: apt install zsh")
def test_zsh_offers_the_same(cached):
    """With stand-ins for what the completion system of zsh gives."""
    script = """
    compadd() { [[ $1 == -- ]] && shift; for word in "$@"; do [[ $word == "$PREFIX"* ]] && print -n -- "$word "; done }
    _describe() { local -a list; list=("${(@P)2}"); for word in "${list[@]}"; do word="${word%%:*}"; [[ $word == "$PREFIX"* ]] && print -n -- "$word "; done }
    _files() { : }
    """
    lines = [script]
    for typed, _ in TYPED:
        words = typed.split(" ")
        lines += [
            f"words=({' '.join(map(shlex.quote, words))}); CURRENT={len(words)}; PREFIX={shlex.quote(words[-1])}; source {ROOT / 'completions' / '_jobctl'}; print"
        ]
    done = subprocess.run(
        ["zsh", "-f", "-c", "\n".join(lines)], capture_output=True, text=True, env=cached, check=False
    )
    assert done.stderr == ""
    for (typed, offered), line in zip(TYPED, done.stdout.splitlines(), strict=True):
        assert sorted(line.split()) == sorted(offered), typed


def test_the_readme_names_every_command():
    for name in COMMANDS:
        assert re.search(rf"`[^`]*\b{name}\b[^`]*`", README), name


def test_the_first_command_of_the_readme_is_one_line_over_a_file_that_is_there():
    (first,) = re.findall(r"```sh\n(python3 -m venv[^\n]*)\n```", README)
    assert "tests/data/lighthouse.md --run" in first
    assert (ROOT / "tests" / "data" / "lighthouse.md").exists()


@pytest.fixture
def desk(shell):
    """A folder with what the README speaks of, a shell in it, and a worker."""
    books = shell.home / "books"
    books.mkdir()
    for name in ("lighthouse.md", "project-history.en.epub"):
        shutil.copy(ROOT / "tests" / "data" / name, books)
    shutil.copy(ROOT / "tests" / "data" / "project-history.en.pdf", shell.home / "book.pdf")
    shutil.copy(ROOT / "tests" / "data" / "lighthouse.md", shell.home)
    (shell.home / "readwise.csv").write_text("Highlight,Book Title\nthe horn is blown in fog,Keeper of Skerry Light\n")
    path = f"{Path(sys.executable).parent}:{shell.env['PATH']}"
    shell.start("worker", "run", "-q", "--poll", "0.2")

    def run(script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", script], cwd=shell.home, env={**shell.env, "PATH": path}, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=200, check=False,
        )  # fmt: skip

    return run


@pytest.mark.timeout(240)
def test_the_session_of_the_readme_is_what_happens(desk):
    commands = [step for step in steps(README[: README.index("## Your own job types")]) if isinstance(step, Command)]
    assert len(commands) >= 8
    for command in commands:
        if not command.in_background:  # the worker is there already
            done = desk(command.line)
            assert done.returncode == 0, (command.line, done.stdout)
            assert set(comparable(command.output)) <= set(comparable(done.stdout)), (command.line, done.stdout)


@pytest.mark.timeout(240)
def test_the_commands_of_the_readme_can_be_typed(desk):
    blocks = [
        block
        for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
        if "jobctl submit" in block and "venv" not in block
    ]
    assert len(blocks) == 2
    for block in blocks:
        done = desk(f"set -euo pipefail\n{block}")
        assert done.returncode == 0, (block, done.stdout)
    cron = re.findall(r"^[*\d/ ]+ (jobctl .*)$", README, re.MULTILINE)
    assert len(cron) == 2
    for line in cron:
        done = desk(line)
        assert (done.returncode, done.stdout) == (0, "")


def test_links_in_the_docs_lead_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), (page.name, target)


class Nothing(BaseModel):
    pass


def test_the_kit_fails_early_on_what_cannot_be_a_checkpoint_and_raises_what_was_raised():
    pipeline = Pipeline("sets", args=Nothing)
    pipeline.stage(share=1, name="bad")(lambda _ctx, _args: {1, 2})
    with pytest.raises(errors.Permanent, match="bad: a value of type set cannot be kept"):
        testing.run(pipeline, {})

    failing = Pipeline("failing", args=Nothing)

    @failing.stage(share=1)
    def broken(_ctx: Context, _args: Nothing) -> None:
        raise errors.Invalid("no such thing")

    with pytest.raises(errors.Invalid, match="no such thing"):
        testing.run(failing, {})


def test_the_top_level_holds_only_what_it_should():
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    top = {name.split("/")[0] for name in done.stdout.splitlines()}
    wanted = {
        "jobctl",
        "migrations",
        "tests",
        "completions",
        "docs",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "NOTICE",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "Makefile",
        "constraints.txt",
    }
    assert {name for name in top if name not in wanted and not name.startswith(".")} == set()


def test_every_test_that_the_docs_name_is_there():
    named = {name for page in (ROOT / "docs").glob("*.md") for name in re.findall(r"`(test_\w+)`", page.read_text())}
    there = {
        name for file in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", file.read_text())
    }
    assert len(named) >= 20
    assert named <= there


def test_the_continuous_integration_runs_the_command_of_the_readme():
    command = ".ci/setup && .ci/check"
    assert f"```sh\n{command}\n```" in README
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == command


def normalised(name: str) -> str:
    """A project name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_development_dependency_is_pinned_with_hashes():
    """Each pin is an exact version with at least one hash; nothing names an index."""
    pins = re.split(r"\n(?=\S)", (ROOT / "constraints.txt").read_text().strip())
    assert all(re.match(r"[\w.\[\]-]+==\S+", pin) and "--hash=sha256:" in pin for pin in pins)
    pinned = {normalised(re.split(r"[=\[]", pin)[0]) for pin in pins}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {normalised(re.split(r"[\[<>=;~! ]", requirement)[0]) for requirement in wanted}
    assert names <= pinned
    assert "://" not in "".join(pins)


def test_a_requirement_with_extras_is_pinned_with_them():
    """`pip` below 23.3 takes the newest version of `coverage[toml]` where the pin says `coverage` only, and refuses it for its hash."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line.removesuffix("\\").strip()) for line in lines if "==" in line]
    pinned = {(normalised(pin.name), extra) for pin in pins for extra in pin.extras}
    installed = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    wanted = {
        (normalised(requirement.name), extra)
        for pin in installed
        for requirement in map(Requirement, importlib.metadata.requires(pin.name) or ())
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        for extra in requirement.extras
    }
    assert wanted
    assert wanted <= pinned
