"""What a worker prints about each job: title, duration and error, and the same facts as JSON."""

import json
import re

LONG = 60.0


def test_a_line_of_a_job_has_title_and_duration_and_a_failed_one_its_error(shell):
    shell("submit", "noop", "--title", "Book")
    shell("submit", "trouble", "--set", "kind=invalid", "--title", "x.pdf", "--max-retries", "0")
    lines = shell("worker", "run", "--drain", wait=LONG).err
    assert re.search(r"\bjob 1 completed in \d+\.\ds: Noop: Book$", lines, re.MULTILINE), lines
    assert re.search(r"\bjob 2 failed after \d+\.\ds: \w+: x\.pdf: .+ \(invalid\)$", lines, re.MULTILINE), lines


def test_json_lines_carry_job_type_attempt_worker_and_duration(shell):
    shell("submit", "noop", "--title", "Book")
    done = shell("worker", "run", "--drain", "--name", "vm-1", "--log-format", "json", wait=LONG)
    (record,) = [found for text in done.err.splitlines() if "job" in (found := json.loads(text))]
    assert record["message"].startswith("job 1 completed in ")
    facts = {key: record[key] for key in ("job", "type", "attempt", "worker", "status")}
    assert facts == {"job": 1, "type": "noop", "attempt": 1, "worker": "vm-1", "status": "completed"}
    assert 0 <= record["duration_s"] < LONG


def test_a_job_that_pauses_at_a_checkpoint_has_a_line_too(shell, conn, eventually):
    shell("submit", "steps", "--set", "items=16", "--set", "slow=0.25", "--title", "Book")
    process = shell.start("worker", "run", "--max-jobs", "1")
    eventually(lambda: conn.execute("SELECT last_checkpoint_path FROM jobs").fetchone()[0])
    assert shell("pause", 1, "--wait").code == 0
    lines = process.communicate(timeout=LONG)[1]
    assert re.search(r"\bjob 1 paused after \d+\.\ds: Steps: Book$", lines, re.MULTILINE), lines
