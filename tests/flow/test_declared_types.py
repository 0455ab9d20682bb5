"""Job types that are declared in a file, without Python."""

import json
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "PROGRAMS.md").read_text()
TUTORIAL = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1]
POEM = "the lamp the sea\nthe lamp\nsea the\nlamp the keeper\nthe end\n"


@pytest.fixture
def types(shell):
    folder = shell.home / "types"
    folder.mkdir(mode=0o700)
    return folder


def declare(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.jobtype.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


def job(shell, job_id: int = 1) -> dict:
    return json.loads(shell("show", job_id, "--json", "--result").out)


def test_the_tutorial_runs_and_its_type_is_like_any_other(shell, types):
    assert len(TUTORIAL.splitlines()) <= 26
    declare(types, "wordlist", TUTORIAL)
    poem = shell.home / "poem.txt"
    poem.write_text(POEM)
    assert shell("submit", "wordlist", "--set", "text=poem.txt", "--set", "top=2").out == "1\n"
    poem.unlink()
    shown = job(shell)
    assert (shown["display_name"], [stage["name"] for stage in json.loads(shell("types", "wordlist", "--json").out)["types"][0]["stages"]]) == (
        "Word list: poem.txt", ["splitting", "counting", "merging"],
    )  # fmt: skip
    assert shell("worker", "run", "--drain").code == 0
    done = job(shell)
    assert done["status"] == "completed", done["error"]
    assert [file["name"] for file in done["output"]["files"]] == ["top.txt"]
    assert shell("result", 1, "--file", "top.txt").out.split() == ["6", "the", "3", "lamp"]
    assert "wordlist" in shell("completion", "bash").out
    assert "top" in shell("submit", "wordlist", "--help").out
    assert "wordlist" in shell("types").out


def test_inputs_are_checked_at_submit(shell, types):
    text = (
        '[input]\nwords = "str"\nsize = {type = "int", default = 3}\nmode = {choices = ["a", "b"], required = false}\n'
    )
    declare(
        types, "checked", text + '[[stage]]\nname = "one"\ncommand = ["echo", "{words}", "{size}", "--mode={mode}"]\n'
    )
    for words in ((), ("words=x", "size=big"), ("words=x", "mode=c"), ("words=x", "other=1")):
        sets = [part for word in words for part in ("--set", word)]
        assert shell("submit", "checked", *sets).code == 2, words
    assert shell("submit", "checked", "--set", "words=$HOME; 5").code == 0
    assert shell("submit", "checked", "--set", "words=7", "--set", "mode=b", "--set", "size=9").code == 0
    assert shell("worker", "run", "--drain", "-c1").code == 0
    seen = [json.loads(shell("logs", number, "--json").out)["lines"][0]["text"] for number in (1, 2)]
    assert seen == ["$HOME; 5 3", "7 9 --mode=b"]


def test_a_machine_without_the_file_refuses_the_type(shell):
    done = shell("submit", "wordlist", "--set", "text=x")
    assert (done.code, "unknown job type: wordlist" in done.err) == (2, True)


def test_batches_are_checkpoints_and_a_killed_worker_repeats_none(shell, types, eventually, conn):
    text = """
[input]
trail = "str"
[[stage]]
name = "listing"
command = ["sh", "-c", "seq 1 30 > all"]
outputs = ["all"]
[[stage]]
name = "working"
command = ["sh", "-c", "echo $2 >> $1; cp all $2.out; sleep 0.2", "sh", "{trail}", "{line}"]
batches = {lines = "all", size = 2}
outputs = ["*.out"]
[[stage]]
name = "counting"
command = ["sh", "-c", "ls *.out | wc -l > count"]
outputs = ["count"]
"""
    declare(types, "batched", text)
    folder = shell.home / "root"
    folder.mkdir()
    trail = folder / "trail"
    shell.env["JOBCTL_LEASE_TTL"] = "1"
    shell("submit", "batched", "--set", f"trail={trail}")
    first = shell.start("worker", "run", "--input-root", folder)
    eventually(lambda: conn.execute("SELECT max(done) FROM checkpoints WHERE stage = 'working'").fetchone()[0])
    first.kill()
    first.wait()
    done = conn.execute("SELECT max(done) FROM checkpoints WHERE stage = 'working'").fetchone()[0]
    assert shell("worker", "run", "--drain", "--input-root", folder).code == 0
    assert shell("result", 1, "--file", "count").out.split() == ["30"]
    assert job(shell)["crash_count"] == 1
    lines = trail.read_text().split()
    assert sorted(set(lines), key=int) == [str(n) for n in range(1, 31)]
    assert [line for line in lines if lines.count(line) > 1 and int(line) <= done] == []


BROKEN = [
    ("", "stage"),
    ('[[stage]]\nname = "one"\ncommand = []\n', "command"),
    ('[[stage]]\nname = "one"\ncommand = ["echo", "{missing}"]\n', "{missing}"),
    ('[[stage]]\nname = "one"\ncommand = ["a"]\ntypo = 1\n', "typo"),
    ('[[stage]]\nname = "one"\ncommand = ["a"]\noutputs = ["../x"]\n', "../x"),
    ('[[stage]]\nname = "a"\ncommand = ["a"]\n[[stage]]\nname = "a"\ncommand = ["a"]\n', "same name"),
    ('[input]\nx = "date"\n[[stage]]\nname = "one"\ncommand = ["a"]\n', "input.x"),
    ("[[stage", "Expected"),
]


@pytest.mark.parametrize(("text", "word"), BROKEN)
def test_a_broken_file_is_named_with_its_problem_and_the_others_work(cli, types, text, word):
    declare(types, "broken", text)
    done = cli("submit", "broken")
    assert (done.code, "broken.jobtype.toml" in done.err, word in done.err) == (5, True, True), done.err
    listed = cli("types")
    assert (listed.code, "command" in listed.out, "broken.jobtype.toml" in listed.err) == (0, True, True)


@pytest.mark.parametrize("what", ["file", "folder", "name"])
def test_files_that_others_can_write_are_not_used(cli, types, what):
    path = declare(types, "steps" if what == "name" else "mine", '[[stage]]\nname = "one"\ncommand = ["true"]\n')
    if what == "file":
        path.chmod(0o666)
    if what == "folder":
        types.chmod(0o777)
    if what != "name":
        done = cli("submit", "mine")
        assert (done.code, "can't be trusted" in done.err) == (5, True)
    listed = cli("types")
    assert (listed.code, "warning:" in listed.err) == (0, True)


def test_the_folder_is_a_setting_of_the_users_own_file(cli, types, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    declare(other, "elsewhere", '[[stage]]\nname = "one"\ncommand = ["true"]\n')
    config = tmp_path / "config.toml"
    config.write_text(f'job_types = "{other}"\n')
    assert cli("--config", config, "submit", "elsewhere").code == 0
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".jobctl.toml").write_text(f'job_types = "{other}"\n')
    (tmp_path / ".jobctl.toml").chmod(0o600)
    assert cli("submit", "elsewhere").code == 2
