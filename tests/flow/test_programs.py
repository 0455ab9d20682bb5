"""Programs as jobs: real ones, in a real worker, really killed."""

import json
from pathlib import Path

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
