"""Programs as jobs: real ones, in a real worker, really killed."""

import json
import sys
from pathlib import Path

import pytest

WORKER = ("worker", "run", "--drain", "-c1", "--allow-commands")


def job(shell, job_id: int = 1) -> dict:
    done = shell("show", job_id, "--json", "--result", "--events", "--payload")
    assert done.code == 0, done.err
    return json.loads(done.out)


def submit(shell, *words: object) -> int:
    done = shell("submit", *words)
    assert done.code == 0, done.err
    return int(done.out)


def run(shell, *words: object, env: dict | None = None) -> dict:
    job_id = submit(shell, *words)
    done = shell(*WORKER, env=env)
    assert done.code == 0, done.err
    return job(shell, job_id)


def lines(shell, job_id: int = 1) -> list[tuple[str, str]]:
    return [(line["level"], line["text"]) for line in json.loads(shell("logs", job_id, "--json").out)["lines"]]


def script(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_a_program_is_a_job_and_its_output_the_log(shell):
    done = run(shell, "--shell", "--", "echo out; echo err >&2; pwd")
    assert (done["status"], done["type"], done["display_name"]) == (
        "completed", "command", "Command: echo out; echo err >&2; pwd",
    )  # fmt: skip
    assert done["output"] == {"exit_code": 0, "files": []}
    assert lines(shell)[0] in (("info", "out"), ("warning", "err"))
    assert {("info", "out"), ("warning", "err")} <= set(lines(shell))


def test_without_a_shell_an_argument_is_an_argument(shell):
    done = run(shell, "--", "echo", "$HOME; a  b", "*")
    assert done["status"] == "completed"
    assert lines(shell) == [("info", "$HOME; a  b *")]


ENDS = [
    ("exit 0", "completed", None, ""),
    ("exit 75", "failed", "transient", "sh ended with exit code 75"),
    ("exit 64", "failed", "invalid", "sh ended with exit code 64"),
    ("exit 65", "failed", "invalid", "sh ended with exit code 65"),
    ("exit 66", "failed", "invalid", "sh ended with exit code 66"),
    ("echo no such host >&2; exit 3", "failed", "permanent", "sh ended with exit code 3: no such host"),
    ("kill -SEGV $$", "failed", "permanent", "sh was killed by SIGSEGV"),
    ("kill -KILL $$", "failed", "permanent", "sh was killed by SIGKILL (out of memory?)"),
]


def test_the_exit_code_decides_and_a_signal_is_named(shell):
    for text, *_ in ENDS:
        submit(shell, "--shell", "--", text)
    submit(shell, "--shell", "--exit-code", "3=transient", "--exit-code", "0=invalid", "--", "exit 3")
    submit(shell, "--shell", "--exit-code", "3=completed", "--", "exit 3")
    submit(shell, "--", "no-such-program-here", "x")
    assert shell(*WORKER).code == 0
    for number, (text, status, kind, message) in enumerate(ENDS, 1):
        done = job(shell, number)
        error = done["error"] or {"type": None, "message": ""}
        assert (done["status"], error["type"]) == (status, kind), text
        assert message in (error["message"] or "")
    assert job(shell, len(ENDS) + 1)["error"]["type"] == "transient"
    assert job(shell, len(ENDS) + 2)["output"]["exit_code"] == 3
    missing = job(shell, len(ENDS) + 3)["error"]
    assert (missing["type"], "no program 'no-such-program-here'" in missing["message"]) == ("invalid", True)


def test_inputs_are_placed_in_the_folder_and_outputs_are_kept(shell, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("alpha\n")
    (tmp_path / "empty").write_text("")
    job_id = int(
        shell("submit", "--input", "data/a.txt", "empty", "--output", "out/*", "--output", "b", "--shell", "--",
              "mkdir out; tr a-z A-Z < data/a.txt > out/A; echo changed >> data/a.txt; cat empty > b", cwd=tmp_path).out
    )  # fmt: skip
    assert (tmp_path / "data" / "a.txt").unlink() is None
    assert shell(*WORKER).code == 0
    files = job(shell, job_id)["output"]["files"]
    assert [(file["name"], file["size"]) for file in files] == [("b", 0), ("out/A", 6)]
    assert shell("result", job_id, "--file", "out/A").out == "ALPHA\n"
    assert shell("result", job_id, "--file", "out/A", "-o", tmp_path / "copy").code == 0
    assert (tmp_path / "copy").read_text() == "ALPHA\n"
    unknown = shell("result", job_id, "--file", "c")
    assert (unknown.code, "out/A" in unknown.err) == (2, True)
    stored = tmp_path / "storage" / files[1]["key"]
    stored.chmod(0o600)
    stored.write_text("OTHER\n")
    damaged = shell("result", job_id, "--file", "out/A", "-o", tmp_path / "second")
    assert (damaged.code != 0, (tmp_path / "second").exists()) == (True, False)


def test_an_output_that_is_missing_fails_the_job(shell):
    done = run(shell, "--output", "*.mp4", "--", "true")
    assert (done["status"], done["error"]["message"]) == ("failed", "the program left no file *.mp4")


def test_the_environment_is_an_allow_list_and_secrets_are_masked(shell):
    worker = {"LEFT_OUT": "1", "API_TOKEN": "hunter2-secret", "JOBCTL_COMMAND_ENVIRONMENT": "API_*"}
    done = run(shell, "--env", "API_TOKEN", "--env", "MODE=fast", "--shell", "--", "env; echo $API_TOKEN >&2; exit 1", env=worker)  # fmt: skip
    seen = dict(text.partition("=")[::2] for level, text in lines(shell) if level == "info")
    assert (seen["MODE"], seen["API_TOKEN"], "LEFT_OUT" in seen) == ("fast", "***", False)
    assert {"PATH", "JOBCTL_STATE_DIR", "JOBCTL_PROGRESS", "JOBCTL_JOB_ID"} <= seen.keys()
    assert not [name for name in seen if name.startswith(("PG", "JOBCTL_DATABASE", "PYTHON"))]
    assert "hunter2" not in json.dumps(done)
    assert done["error"]["message"].endswith("***")
    missing = run(shell, "--env", "LEFT_OUT", "--", "env", env=worker)
    assert (missing["error"]["type"], "LEFT_OUT" in missing["error"]["message"]) == ("invalid", True)


def test_the_title_is_short_and_has_no_secrets(shell):
    submit(shell, "--", "curl", "--token", "abc123", "https://me:pw@host/x?key=1", "--password=xyz")
    submit(shell, "--", "ffmpeg", "-i", "a b.mov", "x" * 300)
    first, second = job(shell, 1)["display_name"], job(shell, 2)["display_name"]
    assert not [word for word in ("abc123", "pw", "xyz") if word in first.replace("password", "")]
    assert second.startswith("Command: ffmpeg -i 'a b.mov' xxx")
    assert len(second) < 100


def test_progress_is_read_from_lines_and_from_the_file(shell, conn, eventually, tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    text = (
        "echo '::group::Part 1'; echo '::progress 30/100 words::'; while [ ! -e go ]; do sleep 0.05; done; "
        "echo '70/100 Encoding the second half' > $JOBCTL_PROGRESS; while [ ! -e end ]; do sleep 0.05; done"
    )
    submit(shell, "--chdir", folder, "--shell", "--", text)
    worker = shell.start("worker", "run", "--drain", "--allow-commands", "--input-root", folder)

    def progress() -> dict:
        return conn.execute("SELECT progress FROM jobs").fetchone()[0]

    eventually(lambda: progress().get("current") == 30)
    assert (progress()["total"], progress()["unit"], progress()["details"]) == (100, "words", "30 of 100 words")
    (folder / "go").touch()
    eventually(lambda: progress().get("current") == 70)
    assert progress()["details"].startswith("Encoding the second half")
    (folder / "end").touch()
    assert worker.wait(30) == 0
    assert lines(shell) == [("info", "::group::Part 1")]
    assert job(shell)["status"] == "completed"


def test_a_worker_that_does_not_allow_commands_leaves_them_and_why_says_so(shell, eventually):
    submit(shell, "--", "true")
    assert shell("worker", "run", "--drain").code == 0
    assert job(shell)["status"] == "pending"
    assert "jobctl worker run --allow-commands" in shell("why", 1).out
    worker = shell.start("worker", "run", "--poll", "0.1s")
    eventually(lambda: shell("why", 1).out.startswith("1: No running worker allows commands."))
    worker.terminate()
    assert worker.wait(20) == 0
    refused = shell("worker", "run", "--type", "command", "--drain")
    assert (refused.code, "--allow-commands" in refused.err) == (5, True)


def test_run_allows_commands_for_itself(shell):
    done = shell("submit", "--run", "--env", "MY_OWN", "--shell", "--", "echo $MY_OWN", env={"MY_OWN": "value"})
    assert done.code == 0, done.err
    assert lines(shell) == [("info", "value")]


def test_the_limits_of_memory_and_time_hold(shell):
    greedy = "x = bytearray(600 << 20)"
    submit(shell, "--memory", "200M", "--", sys.executable, "-c", greedy)
    submit(shell, "--timeout", "1s", "--", "sleep", "600")
    assert shell(*WORKER).code == 0
    assert (job(shell, 1)["error"]["type"], "MemoryError" in job(shell, 1)["error"]["message"]) == ("invalid", True)
    assert "timed out after 1s" in job(shell, 2)["error"]["message"]


@pytest.mark.parametrize(
    "words",
    [
        ("--",), ("--shell", "true"), ("--env", "A=1", "steps"), ("steps", "--", "true"), ("--set", "a=1", "--", "true"),
        ("--exit-code", "300=transient", "--", "true"), ("--exit-code", "3=nice", "--", "true"), ("--memory", "x", "--", "true"),
        ("--env", "TMPDIR=/x", "--", "true"), ("--output", "../x", "--", "true"), ("--input", "/no/such", "--", "true"),
        ("--input", "/etc/hosts", "/usr/share/hosts", "--", "true"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(cli, words):
    assert cli("submit", *words).code == 2
