"""Control at the shell: each request gets one truthful answer, settings switch things off, nothing is lost by pruning."""

import json
import shutil

import pytest


def submit(shell, *words: object, **env: str) -> str:
    done = shell("submit", *words, env=env)
    assert done.code == 0, done.err
    return done.out.strip()


def job(shell, job_id: str, *more: str) -> dict:
    return json.loads(shell("show", job_id, "--json", *more).out)


def under_way(conn, job_id: str) -> bool:
    """Some batches are behind it, most before it."""
    return conn.execute("SELECT count(*) FROM checkpoints WHERE job_id = %s", [job_id]).fetchone()[0] > 0


def fail(shell, kind: str = "invalid", *words: object) -> str:
    job_id = submit(shell, "trouble", "--set", f"kind={kind}", "--set", "times=99", *words)
    shell("worker", "run", "--drain", "--type", "trouble")
    assert job(shell, job_id)["status"] == "failed"
    return job_id


def test_a_paywall_can_hold_its_whole_job_type_until_somebody_resumes_it(shell):
    on = {"JOBCTL_PAYWALL_HOLDS": "true"}
    first, second = (submit(shell, "trouble", "--set", "kind=paywall") for _ in range(2))
    shell("worker", "run", "-c1", "--once", env=on)
    assert job(shell, first)["error"]["type"] == "paywall"
    assert job(shell, second)["status"] == "pending"
    why = shell("why", second)
    assert "quota" in why.out
    assert "jobctl queue resume trouble --type" in why.out
    assert shell("queue", "resume", "trouble", "--type").code == 0
    shell("worker", "run", "--once", env=on)
    assert job(shell, second)["status"] == "failed"


def test_pausing_can_be_switched_off(shell):
    job_id = submit(shell, "noop")
    refused = shell("pause", job_id, env={"JOBCTL_PAUSING": "off"})
    assert refused.code == 5
    assert "switched off" in refused.err
    assert job(shell, job_id)["status"] == "pending"


def test_automatic_retry_can_be_switched_off(shell):
    job_id = submit(shell, "trouble", "--set", "kind=transient", "--set", "times=99")
    shell("worker", "run", "--once", env={"JOBCTL_AUTO_RETRY": "no"})
    held = job(shell, job_id)
    assert (held["status"], held["error"]["type"], held["next_retry_at"]) == ("failed", "transient", None)


def test_retries_are_limited_per_job_and_per_type(shell):
    limited = {"JOBCTL_MAX_RETRIES": "trouble=1"}
    assert job(shell, submit(shell, "trouble", **limited))["max_retries"] == 1
    assert job(shell, submit(shell, "trouble", "--max-retries", "7", **limited))["max_retries"] == 7
    assert job(shell, submit(shell, "noop", **limited))["max_retries"] == 3
    (shell.home / ".jobctl.toml").write_text("[max_retries]\ntrouble = 0\n")
    job_id = fail(shell)
    refused = shell("retry", job_id)
    assert refused.code == 4
    assert "0 of 0 retries are used" in refused.err
    assert f"jobctl restart {job_id}" in refused.err


def test_of_one_idempotency_key_one_job_is_unfinished_however_they_are_retried(shell):
    first = fail(shell, "invalid", "--key", "k")
    second = fail(shell, "invalid", "--key", "k")
    both = shell("retry", first, second)
    assert both.code == 4
    assert f"job {first}: queued again" in both.out
    assert f"job {first} has the same idempotency key" in both.err
    assert shell("restart", second).code == 4
    assert submit(shell, "trouble", "--key", "k") == first


def test_of_one_idempotency_key_one_job_is_requeued_by_the_sweep(shell, conn):
    jobs = [fail(shell, "later", "--key", "k"), fail(shell, "later", "--key", "k")]
    conn.execute("UPDATE jobs SET next_retry_at = now() - interval '1 minute'")
    assert shell("retry", "--due").out == f"requeued: {jobs[0]}\n"
    assert shell("retry", "--due").out == ""
    assert [job(shell, j)["status"] for j in jobs] == ["pending", "failed"]


def test_a_job_whose_type_is_gone_waits_and_says_why(shell, conn):
    conn.execute("INSERT INTO jobs (job_type) VALUES ('retired_type')")
    shell("worker", "run", "--once")
    process = shell.start("worker", "run")
    try:
        assert "Retired type" in shell("list").out
        for _ in range(50):
            why = shell("why", "1").out
            if "serves retired_type" in why:
                break
        assert "No running worker serves retired_type" in why
        assert shell("cancel", "1").code == 0
    finally:
        process.terminate()
        process.wait(20)


def test_a_stage_that_was_renamed_between_pause_and_resume_falls_back_and_says_so(shell, conn, eventually, tmp_path):
    job_id = submit(shell, "steps", "--set", "items=40", "--set", "slow=0.25")
    process = shell.start("worker", "run", "-c1")
    eventually(lambda: under_way(conn, job_id))
    assert shell("pause", job_id, "--wait").code == 0
    process.terminate()
    process.wait(20)
    conn.execute("UPDATE checkpoints SET stage = 'cubes' WHERE stage = 'squares'")
    assert shell("resume", job_id).code == 0
    shell("worker", "run", "--once")
    done = job(shell, job_id, "--result", "--events")
    assert done["status"] == "completed"
    assert done["output"] == {"total": sum(n * n for n in range(40)), "count": 40}
    assert "this version has no stage 'cubes'" in json.dumps(done["events"])


def test_a_storage_folder_that_vanished_is_said_and_costs_no_job(shell, conn, eventually):
    job_id = submit(shell, "steps", "--set", "items=40", "--set", "slow=0.25")
    process = shell.start("worker", "run", "-c1")
    eventually(lambda: under_way(conn, job_id))
    assert shell("pause", job_id, "--wait").code == 0
    process.terminate()
    process.wait(20)
    shutil.rmtree(shell.home / "storage")
    assert shell("verify", job_id).code != 0
    refused = shell("resume", job_id)
    assert refused.code == 4
    assert "--from-start" in refused.err
    assert shell("resume", job_id, "--from-start").code == 0
    shell("worker", "run", "--once")
    assert job(shell, job_id)["status"] == "completed"


def test_two_workers_of_one_name_do_not_disturb_each_other(shell):
    jobs = [submit(shell, "steps", "--set", "items=6", "--set", "slow=0.05") for _ in range(6)]
    two = [shell.start("worker", "run", "--drain", "--name", "twin", "-c1") for _ in range(2)]
    assert [process.wait(60) for process in two] == [0, 0]
    assert {job(shell, j)["status"] for j in jobs} == {"completed"}
    names = json.loads(shell("worker", "list", "--all", "--json").out)["workers"]
    assert [w["name"] for w in names] == ["twin", "twin"]


@pytest.mark.parametrize("words", [["0"], ["-5"], ["abc"], ["99999999999999999999"], ["1e3"], ["9223372036854775807"]])
def test_ids_that_cannot_be_are_named(shell, words):
    done = shell("show", "--", *words)
    assert done.code in (2, 3)
    assert words[0] in done.err
    assert len(done.err.splitlines()) <= 3


def test_of_an_id_list_with_one_bad_among_good_the_good_are_done(shell):
    good = [submit(shell, "noop") for _ in range(2)]
    done = shell("cancel", good[0], "777", good[1])
    assert done.code == 3
    assert "no such job: 777" in done.err
    assert [job(shell, j)["status"] for j in good] == ["cancelled", "cancelled"]


def test_prune_removes_old_checkpoints_and_orphans_and_nothing_that_is_needed(shell, conn, eventually):
    paused = submit(shell, "steps", "--set", "items=40", "--set", "slow=0.25")
    process = shell.start("worker", "run", "-c1")
    eventually(lambda: under_way(conn, paused))
    assert shell("pause", paused, "--wait").code == 0
    done = submit(shell, "steps", "--set", "items=4")
    assert shell("wait", done).code == 0
    process.terminate()
    process.wait(20)
    storage = shell.home / "storage"
    orphan = storage / "jobs" / paused / "0-00000000" / "9-first-0000000000000000"
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"left by a killed attempt")
    for job_id in (paused, done):
        (storage / "jobs" / job_id / "work").mkdir()
        (storage / "jobs" / job_id / "work" / "aside").write_bytes(b"kept beside the checkpoints")
    kept = {p for p in storage.rglob("*") if p.is_file() and f"jobs/{paused}/" in str(p)} - {orphan}

    def files() -> int:
        return sum(p.is_file() for p in storage.rglob("*"))

    before = files()
    assert "1 files that belonged to nothing" in shell("prune", "--dry-run").out
    assert files() == before
    assert json.loads(shell("prune", "--json").out)["orphans"] == 1
    assert not orphan.exists()
    old = json.loads(shell("prune", "--json", "--older", "0s").out)
    assert old["checkpoints"] > 0
    assert old["orphans"] == 1, "what was kept beside the checkpoints goes with them"
    assert {p for p in storage.rglob("*") if p.is_file() and "/jobs/" in str(p)} == kept
    assert shell("verify", paused).code == 0
    assert shell("resume", paused).code == 0
    shell("worker", "run", "--once")
    assert job(shell, paused, "--result")["output"]["count"] == 40
