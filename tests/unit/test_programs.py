"""``ctx.run`` and ``ctx.secret``."""

import os
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from jobctl import Context, Pipeline, errors, testing
from jobctl.core.attempt import Failure
from jobctl.core.errors import CancelNow
from jobctl.wiring import settings
from jobctl.wiring.secrets import secrets
from jobctl.worker import programs
from jobctl.worker.programs import run_program
from jobctl.worker.secrets import Secrets


def run(*command, lines=None, cancelled=lambda: False, **more):
    found = [] if lines is None else lines
    return run_program(command, log=lambda level, text: found.append((level, text)), cancelled=cancelled, **more)


def test_each_line_of_the_output_is_logged_while_it_runs_and_the_rest_at_its_end():
    lines = []
    script = "import sys; print('out', flush=True); sys.stderr.write('err\\n'); sys.stdout.buffer.write(b'\\xff tail')"
    assert run(sys.executable, "-c", script, lines=lines) == 0
    assert sorted(lines) == [("info", "out"), ("info", "\ufffd tail"), ("warning", "err")]


def test_a_program_that_writes_more_than_a_pipe_takes_does_not_block():
    lines = []
    assert (
        run(
            sys.executable,
            "-c",
            "import sys; [print('x' * 100) or sys.stderr.write('y\\n') for _ in range(5000)]",
            lines=lines,
        )
        == 0
    )
    assert len(lines) == 10_000


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1, errors.Permanent),
        (64, errors.Invalid),
        (65, errors.Invalid),
        (66, errors.Invalid),
        (75, errors.Transient),
        (9, errors.Permanent),
    ],
)
def test_the_exit_code_decides_the_class(code, kind):
    with pytest.raises(kind, match=f"sh ended with exit code {code}"):
        run("sh", "-c", f"exit {code}")


def test_the_mapping_of_the_author_wins():
    assert run("sh", "-c", "exit 3", exits={3: None}) == 3
    with pytest.raises(errors.Paywall):
        run("sh", "-c", "exit 3", exits={3: "paywall"})
    with pytest.raises(errors.Invalid):
        run("sh", "-c", "exit 0", exits={0: "invalid"})
    with pytest.raises(errors.Permanent, match="was ended by SIGKILL"):
        run("sh", "-c", "kill -9 $$")


def test_it_has_no_shell_no_stdin_its_folder_and_its_variables(tmp_path):
    lines = []
    script = (
        "import os, sys; print(os.getcwd(), os.environ['X'], 'PATH' in os.environ, sys.argv[1], repr(sys.stdin.read()))"
    )
    run(sys.executable, "-c", script, "$HOME; *", lines=lines, cwd=tmp_path, env={"X": "1"})
    assert lines == [("info", f"{tmp_path} 1 True $HOME; * ''")]


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(errors.Permanent, match="no-such-program is not installed"):
        run("no-such-program")
    with pytest.raises(errors.Permanent, match="cannot be run"):
        run(os.devnull)


def test_a_cancel_stops_it_with_all_that_it_started(tmp_path, eventually):
    pids = tmp_path / "pids"
    with pytest.raises(CancelNow):
        run(
            "sh",
            "-c",
            'sleep 600 & echo $! $$ > "$0"; wait',
            str(pids),
            cancelled=lambda: pids.exists() and pids.read_text().strip(),
        )
    for pid in map(int, pids.read_text().split()):
        eventually(lambda pid=pid: ended(pid))


def ended(pid):
    process = Path(f"/proc/{pid}/stat")
    return not process.exists() or process.read_text().rpartition(")")[2].split()[0] == "Z"


def test_one_that_ignores_the_signal_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "TERM_GRACE", 0.1)
    ready = tmp_path / "ready"
    script = f"import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({str(ready)!r}, 'w'); time.sleep(600)"
    with pytest.raises(CancelNow):
        run(sys.executable, "-c", script, cancelled=ready.exists)


class Args(BaseModel):
    name: str = "API_KEY"


def test_a_stage_runs_a_program_and_reads_a_secret_which_its_log_does_not_show():
    pipeline = Pipeline("p", args=Args)

    @pipeline.stage(share=1)
    def stage(ctx: Context, args: Args) -> int:
        value = ctx.secret(args.name)
        ctx.run(["echo", f"value {value}"])
        ctx.progress(f"using {value}")
        return len(value)

    ran = testing.run(pipeline, {}, secrets={"API_KEY": "s3cret-canary"})
    assert ran.output == len("s3cret-canary")
    assert "info stage: value ***" in ran.log
    assert "s3cret-canary" not in str([ran.log, ran.progress])
    with pytest.raises(errors.Permanent, match="no secret OTHER") as missing:
        testing.run(pipeline, {"name": "OTHER"}, secrets={"API_KEY": "x"})
    assert "JOBCTL_SECRET_OTHER" in missing.value.hint


def test_what_was_read_is_masked_and_nothing_else():
    held = Secrets({"A": "first-secret", "B": "first-secret-longer", "C": "xy", "D": "unread"})
    assert held.redact("first-secret unread") == "first-secret unread"
    for name in "ABC":
        held.read(name)
    assert held.redact("a first-secret-longer, first-secret, xy, unread") == "a ***, ***, xy, unread"
    failure = held.redacted(Failure("permanent", "m first-secret", "r first-secret", "t first-secret"))
    assert "first-secret" not in str(failure)


def test_the_file_and_the_environment_of_the_worker_have_them(tmp_path):
    file = tmp_path / "secrets.toml"
    file.write_text('A = "of the file"\nB = "of the file"\n')
    file.chmod(0o600)
    environment = {"HOME": str(tmp_path), "JOBCTL_SECRETS_FILE": str(file), "JOBCTL_SECRET_B": "of the environment"}
    assert secrets(settings({}, environment), environment) == {"A": "of the file", "B": "of the environment"}
    for text, mode in (('A = "canary', 0o600), ("A = 5", 0o600), ('A = "canary"', 0o644), ('A = "canary"', 0o660)):
        file.write_text(text)
        file.chmod(mode)
        with pytest.raises(errors.ConfigError) as refused:
            secrets(settings({}, environment), environment)
        assert "canary" not in str(refused.value)
    file.unlink()
    with pytest.raises(errors.ConfigError, match="can't be read"):
        secrets(settings({}, environment), environment)
