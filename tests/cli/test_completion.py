"""A TAB evaluates nothing: the cache of ids and the names of files are data, whoever wrote them."""

import re
import subprocess
from pathlib import Path

import pytest

from jobctl.cli.complete import script

HOSTILE = (
    "$(touch ran)", "`touch ran`", "1;touch ran", "1$(touch ran)", "${x:=$(touch ran)}", "*", "~", "-n", "1 2", "x\x1b[2J", "", "\\", "<(touch ran)",
    "$((a[$(touch ran)]))", "\u0662",
)  # fmt: skip


@pytest.fixture
def tab(tmp_path):
    """What bash offers behind ``jobctl`` and some words."""
    (tmp_path / "jobctl.bash").write_text(script("bash"))

    def complete(*words: str) -> list[str]:
        line = 'source jobctl.bash; COMP_WORDS=(jobctl "$@"); COMP_CWORD=$#; _jobctl; printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(
            ["bash", "-c", line, "bash", *words], env={"PATH": "/usr/bin:/bin", "JOBCTL_HOME": str(tmp_path)}, cwd=tmp_path,
            capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
        return [line for line in done.stdout.splitlines() if line]

    return complete


def test_ids_are_offered_and_nothing_of_a_hostile_cache_is_run(tab, tmp_path):
    (tmp_path / "cache").mkdir()
    lines = [f"{evil}\tpause,cancel\t{evil}" for evil in HOSTILE]
    (tmp_path / "cache" / "ids").write_text(
        "\n".join(["7\tpause,cancel\t$(touch ran)", *lines, "8\tretry\t`touch ran`", "9\t$(touch ran)\tx"]) + "\n"
    )
    assert tab("show", "") == ["7", "8", "9", "@last"]
    assert tab("pause", "") == ["7", "@last"]
    assert tab("retry", "$(touch ran)") == []
    assert not (tmp_path / "ran").exists()


def test_names_of_files_are_offered_whole(tab, tmp_path):
    names = {"two words.md", "$(touch ran).md", "*.md", "[ab].md"}
    for name in names:
        (tmp_path / name).write_text("x")
    assert names <= set(tab("submit", ""))
    assert names <= set(tab("submit", "--file", ""))
    assert not (tmp_path / "ran").exists()


def test_a_cache_that_is_no_file_does_not_hang(tab, tmp_path):
    import os

    (tmp_path / "cache").mkdir()
    os.mkfifo(tmp_path / "cache" / "ids")
    assert tab("show", "") == ["@last"]


@pytest.mark.parametrize(
    ("shell", "guard"),
    [
        ("bash", r"\*\[!0-9\]\*\) continue"),
        ("zsh", r"\*\[!0-9\]\*\) continue"),
        ("fish", r"\^\[0-9\]\+\$.*or continue"),
    ],
)
def test_each_shell_takes_digits_only_from_the_cache(shell, guard):
    loop = script(shell).partition("id verbs title\n" if shell == "fish" else "read -r id verbs title; do\n")[2]
    assert re.search(guard, loop.splitlines()[0])


def test_no_script_evaluates_anything():
    for shell in ("bash", "zsh", "fish"):
        assert not re.search(r"\beval\b|COMPREPLY\+?=\(\$\(", script(shell)), shell
    assert Path(__file__).parents[2].joinpath("completions", "jobctl.bash").read_text() == script("bash")
