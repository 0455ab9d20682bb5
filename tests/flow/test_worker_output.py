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
