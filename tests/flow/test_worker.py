"""Real workers, really killed, paused and stopped: nothing is lost, nothing is done twice, the result is the same."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from jobctl.core.checkpoint import decode
from tests import servers

EXPECTED = {"total": sum(n * n for n in range(20)), "count": 20}


def job(shell, job_id: object = 1) -> dict:
    done = shell("show", job_id, "--json", "--result", "--events")
    assert done.code == 0, done.err
    return json.loads(done.out)


def submit(shell, *words: object) -> int:
    done = shell("submit", *words)
    assert done.code == 0, done.err
    return int(done.out)


def row(conn, job_id: int = 1) -> tuple:
    return conn.execute(
        "SELECT status, last_checkpoint_stage, progress ->> 'stage' FROM jobs WHERE id = %s", [job_id]
    ).fetchone()


def children(conn, worker) -> list[int]:
    """Process ids of a worker's children."""
    return [int(p) for p in Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()]


def test_a_job_runs_through_its_stages(shell):
    submit(shell, "steps", "--set", "items=20")
    assert shell("worker", "run", "--drain").code == 0
    done = job(shell)
    assert (done["status"], done["output"], done["progress"]["percent"]) == ("completed", EXPECTED, 100.0)


def test_jobs_go_in_all_at_once_and_many_small_ones_are_worked_off(shell, conn):
    lines = "".join(json.dumps({"type": "noop"}) + "\n" for _ in range(1000))
    done = shell("submit", "-f", "-", stdin=lines)
    assert [int(x) for x in done.out.split()] == list(range(1, 1001))
    assert shell("worker", "run", "--drain", "-c", 2).code == 0
    assert conn.execute("SELECT status, count(*) FROM jobs GROUP BY 1").fetchall() == [("completed", 1000)]
    assert conn.execute("SELECT max(lease_seq), max(crash_count) FROM jobs").fetchone()[1] == 0


PAUSE_STANDS = "SELECT pause_requested_at IS NOT NULL FROM jobs WHERE id = %s"
STAGES = ("first", "squares", "total", "last")


def on_trails(shell, folder: Path) -> dict[str, tuple[int, Path]]:
    """A job for each stage, which stays in that stage until it is let go: (id, trail)."""
    jobs = {}
    for stage in STAGES:
        trail = folder / f"trail-{stage}"
        Path(f"{trail}.hold").write_text(stage)
        jobs[stage] = submit(shell, "steps", "--set", f"trail={trail}"), trail
    return jobs


def reached(trail: Path, words: str) -> bool:
    return trail.exists() and words in trail.read_text()


def let_go(trail: Path) -> None:
    Path(f"{trail}.hold").unlink()


def test_a_job_paused_at_any_stage_and_resumed_ends_the_same_and_repeats_nothing(shell, conn, eventually, tmp_path):
    jobs = on_trails(shell, tmp_path)
    worker = shell.start("worker", "run", "-c", 4)
    for stage, (job_id, trail) in jobs.items():
        eventually(lambda t=trail, s=stage: reached(t, s))
        asking = shell.start("pause", job_id, "--wait", "--timeout", "30s")
        eventually(lambda i=job_id: conn.execute(PAUSE_STANDS, [i]).fetchone() == (True,))
        let_go(trail)
        safe = stage in ("first", "squares")  # after total one may not stop, and complete wins over a pause
        assert asking.wait(40) == (0 if safe else 20)
        assert row(conn, job_id)[0] == ("paused" if safe else "completed")
    before = {trail: trail.read_text() for _, trail in jobs.values()}
    shell("resume", jobs["first"][0], jobs["squares"][0])
    assert shell("wait", *(job_id for job_id, _ in jobs.values()), "--timeout", "30s").code == 0
    for job_id, trail in jobs.values():
        done = job(shell, job_id)
        assert (done["status"], done["output"]) == ("completed", EXPECTED)
        assert done["retry_count"] == done["crash_count"] == 0
        assert trail.read_text().startswith(before[trail])
        lines = trail.read_text().splitlines()
        assert len(lines) == len(set(lines)) == 13, lines
    worker.terminate()
    assert worker.wait(timeout=20) == 0


def test_a_child_killed_at_any_stage_costs_one_batch_at_most_and_is_noticed_at_once(shell, conn, eventually, tmp_path):
    jobs = on_trails(shell, tmp_path)
    worker = shell.start("worker", "run", "--drain", "-c", 4)
    killed = {}
    for stage, (job_id, trail) in jobs.items():
        eventually(lambda t=trail, s=stage: reached(t, s))
        killed[job_id] = conn.execute("SELECT clock_timestamp()").fetchone()[0]
        os.kill(int(Path(f"{trail}.pid").read_text()), signal.SIGKILL)
        let_go(trail)
    assert worker.wait(timeout=40) == 0
    for stage, (job_id, trail) in jobs.items():
        done = job(shell, job_id)
        assert (done["status"], done["output"], done["crash_count"]) == ("completed", EXPECTED, 1)
        seen = conn.execute("SELECT at FROM events WHERE job_id = %s AND kind = 'rescue'", [job_id]).fetchone()[0]
        assert (seen - killed[job_id]).total_seconds() <= 1.0
        lines = trail.read_text().splitlines()
        repeated = {line for line in lines if lines.count(line) > 1}
        assert len(repeated) == 1, (stage, repeated)


@pytest.mark.parametrize(("where", "ttl", "within"), [("this machine", 30.0, 10.0), ("another", 6.0, 10.0)])
def test_a_worker_killed_with_its_children_loses_nothing_and_is_noticed_in_time(
    shell, conn, eventually, tmp_path, where, ttl, within
):
    """On the same machine its process is seen to be gone; elsewhere its lease has to end."""
    trail = tmp_path / "trail"
    submit(shell, "steps", "--set", "items=20", "--set", "slow=0.2", "--set", f"trail={trail}")
    worker = shell.start("worker", "run", "-c1", env={"JOBCTL_LEASE_TTL": str(ttl)})
    eventually(lambda: row(conn)[0] == "processing")
    if where == "another":
        conn.execute("UPDATE workers SET boot_id = 'another'")
    other = shell.start("worker", "run", "-c1", "--drain", env={"JOBCTL_LEASE_TTL": str(ttl)})
    eventually(lambda: conn.execute("SELECT count(*) FROM workers").fetchone() == (2,))
    eventually(lambda: reached(trail, "squares"))
    killed = conn.execute("SELECT clock_timestamp()").fetchone()[0]
    for child in [*children(conn, worker), worker.pid]:
        os.kill(child, signal.SIGKILL)
    assert other.wait(timeout=60) == 0
    done = job(shell)
    assert (done["status"], done["output"], done["crash_count"]) == ("completed", EXPECTED, 1)
    taken = conn.execute("SELECT at FROM events WHERE kind = 'claim' AND lease_seq = 2").fetchone()[0]
    assert (taken - killed).total_seconds() <= within


def test_a_sweep_of_a_person_finds_a_worker_that_was_killed_on_this_machine(shell, conn, eventually, tmp_path):
    trail = tmp_path / "trail"
    submit(shell, "steps", "--set", "items=20", "--set", "slow=0.2", "--set", f"trail={trail}")
    worker = shell.start("worker", "run", "-c1")
    eventually(lambda: reached(trail, "squares"))
    assert shell("retry", "--due").code == 0
    assert row(conn)[0] == "processing", "it lives"
    worker.kill()
    worker.wait()
    assert shell("retry", "--due").code == 0
    assert conn.execute("SELECT status, crash_count FROM jobs").fetchone() == ("pending", 1)


def test_a_rescue_from_a_worker_that_only_stood_still_charges_nobody(shell, conn, eventually, tmp_path):
    trail = tmp_path / "trail"
    hold = Path(f"{trail}.hold")
    hold.write_text("squares")
    submit(shell, "steps", "--set", "items=20", "--set", f"trail={trail}")
    short = {"JOBCTL_LEASE_TTL": "5"}
    still = shell.start("worker", "run", "-c1", env=short)
    eventually(lambda: reached(trail, "squares"))
    os.kill(still.pid, signal.SIGSTOP)
    other = shell.start("worker", "run", "-c1", "--drain", env=short)
    eventually(lambda: conn.execute("SELECT lease_seq, crash_count FROM jobs").fetchone() == (2, 1), 30)
    os.kill(still.pid, signal.SIGCONT)
    eventually(lambda: conn.execute("SELECT crash_count FROM jobs").fetchone() == (0,))
    hold.unlink()
    assert other.wait(timeout=60) == 0
    done = job(shell)
    assert (done["status"], done["output"], done["crash_count"]) == ("completed", EXPECTED, 0)
    assert conn.execute("SELECT count(*) FROM events WHERE kind = 'uncharge'").fetchone() == (1,)
    still.terminate()
    assert "was taken over by another worker" in still.communicate(timeout=30)[1]


def test_a_sweep_that_waits_longer_than_a_lease_takes_no_job_from_its_own_worker(shell, conn, eventually, tmp_path):
    trail = tmp_path / "trail"
    hold = Path(f"{trail}.hold")
    hold.write_text("squares")
    submit(shell, "steps", "--set", "items=20", "--set", f"trail={trail}")
    worker = shell.start("worker", "run", "-c1", "--drain", env={"JOBCTL_LEASE_TTL": "2"})
    eventually(lambda: reached(trail, "squares"))
    waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'schedules'::regclass AND NOT granted)"
    over = "SELECT lease_expires_at < clock_timestamp() FROM jobs"
    with conn.transaction():
        conn.execute("LOCK TABLE schedules IN ACCESS EXCLUSIVE MODE")
        eventually(lambda: conn.execute(waits).fetchone() == (True,), 30)
        eventually(lambda: conn.execute(over).fetchone() == (True,), 30)
    hold.unlink()
    assert worker.wait(timeout=60) == 0
    assert conn.execute("SELECT status, lease_seq, crash_count FROM jobs").fetchone() == ("completed", 1, 0)


def test_a_second_signal_ends_a_worker_at_once_and_charges_nothing(shell, conn, eventually):
    submit(shell, "trouble", "--set", "kind=hang")
    worker = shell.start("worker", "run")
    eventually(lambda: row(conn)[2] == "making")
    worker.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(0.5)  # it waits for a safe point that never comes
    worker.terminate()
    assert worker.wait(5) == 0
    assert conn.execute("SELECT status, crash_count FROM jobs").fetchone() == ("pending", 0)


def test_children_die_with_their_supervisor(shell, conn, eventually, tmp_path):
    submit(shell, "trouble", "--set", "kind=hang")
    worker = shell.start("worker", "run")
    eventually(lambda: row(conn)[0] == "processing")
    mine = eventually(lambda: children(conn, worker))
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()

    def gone() -> bool:
        states = []
        for pid in mine:
            try:
                states.append(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0])
            except OSError:
                continue
        return all(state in "ZX" for state in states)

    eventually(gone)


def test_a_deploy_is_free(shell, conn, eventually, tmp_path):
    trail = tmp_path / "trail"
    submit(shell, "steps", "--set", "items=20", "--set", "slow=0.2", "--set", f"trail={trail}")
    worker = shell.start("worker", "run")
    eventually(lambda: trail.exists() and "squares 4" in trail.read_text())
    worker.terminate()
    assert worker.wait(timeout=10) == 0
    assert conn.execute("SELECT status, crash_count, retry_count FROM jobs").fetchone() == ("pending", 0, 0)
    assert shell("worker", "run", "--drain").code == 0
    done = job(shell)
    assert done["output"] == EXPECTED
    lines = trail.read_text().split("\n")[:-1]
    assert len(lines) == len(set(lines)) == 13
    assert "release" in [e["kind"] for e in done["events"]]


def test_a_job_that_kills_its_workers_is_handed_out_three_times_and_harms_no_neighbour(shell, conn):
    reasons = {"abort": "killed by SIGABRT", "suicide": "killed by SIGKILL", "hang": "killed: it sent nothing for 2 s"}
    bad = {submit(shell, "trouble", "--set", f"kind={kind}", "--set", "times=99"): why for kind, why in reasons.items()}
    hog = submit(shell, "trouble", "--set", "kind=hog")
    good = [submit(shell, "steps", "--set", "items=20", "--set", "slow=0.1") for _ in range(2)]
    done = shell("worker", "run", "--drain", "-c", 4, env={"JOBCTL_SILENT_LIMIT": "2"})
    assert done.code == 0, done.err
    for job_id, why in bad.items():
        seen = job(shell, job_id)
        assert (seen["status"], seen["crash_count"], seen["error"]["type"]) == ("failed", 3, "permanent")
        assert why in seen["error"]["raw"]
        assert why in seen["error"]["message"]
        moves = [e["kind"] for e in seen["events"] if e["from_status"] == "processing"]
        assert moves == ["rescue", "rescue", "abandon"]
    assert "last words of a child" in job(shell, 1)["error"]["raw"]
    assert shell("logs", 1, "--attempt", 2).out.count("last words of a child") == 1
    # memory is refused by the limit of the child before the kernel takes it: an error like others, and no crash
    refused = job(shell, hog)
    assert (refused["status"], refused["crash_count"]) == ("failed", 0)
    assert "child_memory_mb" in refused["error"]["message"]
    assert {(job(shell, i)["status"], job(shell, i)["crash_count"]) for i in good} == {("completed", 0)}


def test_a_handler_that_holds_the_interpreter_delays_no_beat(shell):
    job_id = submit(shell, "trouble", "--set", "kind=busy")
    assert shell("worker", "run", "--drain", env={"JOBCTL_LEASE_TTL": "0.6"}).code == 0
    done = job(shell, job_id)
    assert (done["status"], done["crash_count"], done["output"]) == ("completed", 0, {"tries": 1})
    assert [e["kind"] for e in done["events"]] == ["submit", "claim", "complete"]


def test_a_result_that_cannot_be_stored_fails_its_job_and_leaves_the_worker_alone(shell):
    bad, good = submit(shell, "trouble", "--set", "kind=unstorable"), submit(shell, "noop")
    done = shell("worker", "run", "--drain", "-c", 1)
    assert done.code == 0, done.err
    failed = job(shell, bad)
    assert (failed["status"], failed["error"]["type"], failed["crash_count"]) == ("failed", "permanent", 0)
    assert failed["error"]["message"] == "result.text: text with the character U+0000"
    assert job(shell, good)["status"] == "completed"


def test_cancel_ends_what_does_not_listen(shell, conn, eventually):
    submit(shell, "trouble", "--set", "kind=hang")
    shell.start("worker", "run", env={"JOBCTL_CANCEL_GRACE": "0.5"})
    eventually(lambda: row(conn)[0] == "processing")
    asked = shell("cancel", 1, "--wait", "--timeout", "20s", "--reason", "enough")
    assert asked.code == 0, asked.err
    done = job(shell)
    assert (done["status"], done["cancel_reason"], done["crash_count"]) == ("cancelled", "enough", 0)


def test_a_transient_failure_is_retried_by_the_worker_itself(shell, tmp_path):
    submit(shell, "trouble", "--set", "kind=transient", "--set", f"counter={tmp_path / 'n'}")
    shell.start("worker", "run")
    assert shell("wait", 1, "--timeout", "30s").code == 0
    done = job(shell)
    assert (done["output"], done["retry_count"]) == ({"tries": 2}, 1)


@pytest.mark.parametrize("kind", ["paywall", "invalid", "other"])
def test_other_failures_wait_for_a_person(shell, kind):
    submit(shell, "trouble", "--set", f"kind={kind}")
    assert shell("worker", "run", "--drain").code == 0
    done = job(shell)
    assert (done["status"], done["next_retry_at"]) == ("failed", None)
    assert done["error"]["type"] == {"other": "permanent"}.get(kind, kind)
    assert shell("wait", 1).code == 10


def test_what_a_handler_prints_belongs_to_its_job(shell):
    submit(shell, "trouble", "--set", "kind=print")
    shell("worker", "run", "--drain")
    done = shell("logs", 1)
    assert "making hello from the handler" in done.out
    assert "warning: and a \\x1b[31mwarning\\x1b[0m" in done.out


def test_an_idle_child_ends_by_itself_when_its_worker_ends(shell, tmp_path):
    left = tmp_path / "left"
    submit(shell, "trouble", "--set", "kind=atexit", "--set", f"counter={left}", "--set", "times=9")
    assert shell("worker", "run", "--drain").code == 0
    assert left.read_text() == "ended by itself"


def test_a_checkpoint_with_a_flipped_byte_is_noticed_and_costs_only_what_came_after(shell, conn, eventually, tmp_path):
    trail = tmp_path / "trail"
    submit(shell, "steps", "--set", "items=20", "--set", "slow=0.2", "--set", f"trail={trail}")
    worker = shell.start("worker", "run")
    eventually(lambda: trail.exists() and "squares 8" in trail.read_text())
    shell("pause", 1, "--wait")
    worker.terminate()
    worker.wait()
    path, stage = conn.execute("SELECT path, stage FROM checkpoints ORDER BY seq DESC LIMIT 1").fetchone()
    stored = tmp_path / "storage" / path
    data = bytearray(stored.read_bytes())
    assert decode(bytes(data)).stage == stage == "squares"
    data[len(data) // 2] ^= 1
    stored.write_bytes(data)
    assert shell("verify", 1).code == 4
    shell("resume", 1)
    assert shell("worker", "run", "--drain").code == 0
    done = job(shell)
    assert (done["status"], done["output"]) == ("completed", EXPECTED)
    assert "checkpoint_unusable" in [e["kind"] for e in done["events"]]
    assert trail.read_text().count("first\n") == 1


def test_resume_without_the_bytes_is_refused_and_says_the_way(shell, conn, eventually, tmp_path):
    trail = tmp_path / "trail"
    submit(shell, "steps", "--set", "items=20", "--set", "slow=0.2", "--set", f"trail={trail}")
    worker = shell.start("worker", "run")
    eventually(lambda: trail.exists() and "squares 4" in trail.read_text())
    shell("pause", 1, "--wait")
    worker.terminate()
    worker.wait()
    for stored in (tmp_path / "storage" / "jobs").rglob("*-*-*"):
        if stored.is_file():
            stored.unlink()
    refused = shell("resume", 1)
    assert refused.code == 4
    assert "--from-start" in refused.err
    assert shell("resume", 1, "--from-start").code == 0
    assert shell("worker", "run", "--drain").code == 0
    assert job(shell)["output"] == EXPECTED


def test_only_its_own_jobs_are_run_in_the_foreground(shell, conn):
    other = submit(shell, "noop")
    done = shell("submit", "steps", "--run")
    assert done.code == 0, done.err
    assert row(conn, int(done.out))[0] == "completed"
    assert row(conn, other)[0] == "pending"


def test_losing_the_database_is_not_losing_the_job(shell, conn, eventually, tmp_path):
    trail = tmp_path / "trail"
    submit(shell, "steps", "--set", "items=20", "--set", "slow=0.2", "--set", f"trail={trail}")
    poll = "1s" if servers.POOLED else "60s"  # behind a pooler nobody hears a hint
    worker = shell.start("worker", "run", "--poll", poll)
    eventually(lambda: trail.exists() and "squares 4" in trail.read_text())
    for _ in range(5):
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'jobctl worker%'"
        )
    assert shell("wait", 1, "--timeout", "40s").code == 0
    done = job(shell)
    assert (done["output"], done["crash_count"], done["retry_count"]) == (EXPECTED, 0, 0)
    lines = trail.read_text().split("\n")[:-1]
    assert len(lines) == len(set(lines)) == 13
    # it listens again: what comes now is taken long before it would look by itself
    later = submit(shell, "noop")
    assert shell("wait", later, "--timeout", "10s").code == 0
    worker.terminate()
    worker.wait()


def test_a_stage_that_reads_goes_on_when_the_database_is_back(shell, conn, eventually):
    submit(shell, "reads")
    worker = shell.start("worker", "run")
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'jobctl worker child'"
    kills = 0
    eventually(lambda: row(conn)[0] == "processing")
    while row(conn)[0] == "processing":
        kills += kills < 2 and conn.execute(cut).fetchone() is not None
        conn.execute("SELECT pg_sleep(0.3)")
    done = job(shell)
    assert (done["status"], done["output"], done["crash_count"], done["retry_count"]) == ("completed", 30, 0, 0)
    assert kills > 0
    worker.terminate()
    worker.wait()
