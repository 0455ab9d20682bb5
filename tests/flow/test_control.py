"""Control at the shell: each request gets one truthful answer, settings switch things off, nothing is lost by pruning."""

import fcntl
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
    assert "disabled" in refused.err
    assert job(shell, job_id)["status"] == "pending"


def test_automatic_retry_can_be_switched_off(shell):
    job_id = submit(shell, "trouble", "--set", "kind=transient", "--set", "times=99")
    shell("worker", "run", "--once", env={"JOBCTL_AUTO_RETRY": "no"})
    held = job(shell, job_id)
    assert (held["status"], held["error"]["type"], held["next_retry_at"]) == ("failed", "transient", None)


def test_a_lease_too_short_for_its_beats_is_refused(shell):
    refused = shell("worker", "run", "--once", env={"JOBCTL_LEASE_TTL": "0.1"})
    assert refused.code == 5
    assert "lease_ttl is 0.1 s" in refused.err


def test_retries_are_limited_per_job_and_per_type(shell):
    limited = {"JOBCTL_MAX_RETRIES": "trouble=1"}
    assert job(shell, submit(shell, "trouble", **limited))["max_retries"] == 1
    assert job(shell, submit(shell, "trouble", "--max-retries", "7", **limited))["max_retries"] == 7
    assert job(shell, submit(shell, "noop", **limited))["max_retries"] == 3
    (shell.home / ".jobctl.toml").write_text("[max_retries]\ntrouble = 0\n")
    job_id = fail(shell)
    refused = shell("retry", job_id)
    assert refused.code == 4
    assert "0 of 0 retries used" in refused.err
    assert f"jobctl restart {job_id}" in refused.err


def test_of_one_idempotency_key_one_job_is_unfinished_however_they_are_retried(shell):
    first = fail(shell, "invalid", "--key", "k")
    second = fail(shell, "invalid", "--key", "k")
    both = shell("retry", first, second)
    assert both.code == 4
    assert f"job {first}: queued again" in both.out
    assert f"job {first} has the same key" in both.err
    assert shell("restart", second).code == 4
    assert submit(shell, "trouble", "--key", "k") == first


def test_of_one_idempotency_key_one_job_is_requeued_by_the_sweep(shell, conn):
    jobs = [fail(shell, "later", "--key", "k"), fail(shell, "later", "--key", "k")]
    conn.execute("UPDATE jobs SET next_retry_at = now() - interval '1 minute'")
    assert shell("retry", "--due").out == f"requeued: {jobs[0]}\n"
    assert shell("retry", "--due").out == ""
    assert [job(shell, j)["status"] for j in jobs] == ["pending", "failed"]


def test_a_job_whose_type_is_gone_waits_and_says_why(shell, conn, eventually):
    conn.execute("INSERT INTO jobs (job_type) VALUES ('retired_type')")
    shell("worker", "run", "--once")
    process = shell.start("worker", "run")
    try:
        assert "Retired type" in shell("list").out
        eventually(lambda: "No running worker takes retired_type jobs" in shell("why", "1").out)
        assert shell("cancel", "1").code == 0
    finally:
        process.terminate()
        process.wait(20)


def test_a_stage_that_was_renamed_between_pause_and_resume_falls_back_and_says_so(shell, conn, eventually, tmp_path):
    job_id = submit(shell, "steps", "--set", "items=16", "--set", "slow=0.25")
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
    assert done["output"] == {"total": sum(n * n for n in range(16)), "count": 16}
    assert "this version has no stage 'cubes'" in json.dumps(done["events"])


def test_a_storage_folder_that_vanished_is_said_and_costs_no_job(shell, conn, eventually):
    job_id = submit(shell, "steps", "--set", "items=16", "--set", "slow=0.25")
    process = shell.start("worker", "run", "-c1")
    eventually(lambda: under_way(conn, job_id))
    assert shell("pause", job_id, "--wait").code == 0
    process.terminate()
    process.wait(20)
    shutil.rmtree(shell.home / "storage")
    assert shell("verify", job_id).code != 0
    away = shell("resume", job_id)
    assert (away.code, "jobctl db storage --adopt" in away.err) == (5, True)
    assert shell("db", "storage", "--adopt").code == 0  # it was emptied on purpose
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
    paused = submit(shell, "steps", "--set", "items=16", "--set", "slow=0.25")
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

    def pruned(*words: str) -> tuple[int, int]:
        told = json.loads(shell("prune", "--json", *words).out)
        return told["checkpoints"], told["orphans"]

    before = files()
    assert pruned("--dry-run") == (0, 1)
    assert "1 unreferenced file" in shell("prune", "--dry-run").out
    assert files() == before
    assert pruned() == (0, 1)
    assert not orphan.exists()
    checkpoints = conn.execute("SELECT count(*) FROM checkpoints WHERE job_id = %s", [done]).fetchone()[0]
    assert pruned("--older", "0s", "--dry-run") == (checkpoints, 1)
    assert pruned("--older", "0s") == (checkpoints, 1), "what was kept beside the checkpoints goes with them"
    assert pruned("--older", "0s") == (0, 0)
    assert {p for p in storage.rglob("*") if p.is_file() and "/jobs/" in str(p)} == kept
    assert shell("verify", paused).code == 0
    assert shell("resume", paused).code == 0
    shell("worker", "run", "--once")
    assert job(shell, paused, "--result")["output"]["count"] == 16


STANDING = {
    "pending": (["pause", "cancel"], {}),
    "processing": (["pause", "cancel"], {}),
    "processing, pausing": (["resume", "cancel"], {"pause_requested_at": "now()"}),
    "processing, cancelling": ([], {"cancel_requested_at": "now()"}),
    "processing, both": ([], {"pause_requested_at": "now()", "cancel_requested_at": "now()"}),
    "paused": (["resume", "cancel"], {}),
    "completed": (["restart", "delete"], {"completed_at": "now()"}),
    "failed": (["retry", "restart", "cancel", "delete"], {"error_type": "'invalid'", "completed_at": "now()"}),
    "failed, to be retried": (
        ["retry", "restart", "cancel", "delete"],
        {"error_type": "'transient'", "next_retry_at": "now() + interval '1 hour'"},
    ),
    "failed, no retry left": (["restart", "cancel", "delete"], {"error_type": "'transient'", "retry_count": "3"}),
    "cancelled": (["retry", "restart", "delete"], {"completed_at": "now()"}),
    "cancelled, no retry left": (["restart", "delete"], {"retry_count": "3"}),
}
"""What a person can do in each status."""
VERBS = ["pause", "resume", "retry", "restart", "cancel", "delete"]


def stand(conn) -> dict[str, int]:
    """A job in each standing, past the triggers."""
    found = {}
    for name, (_, columns) in STANDING.items():
        status = name.partition(",")[0]
        more = columns | ({"lease_id": "gen_random_uuid()", "lease_seq": "1"} if status == "processing" else {})
        names, values = "".join(f", {c}" for c in more), "".join(f", {v}" for v in more.values())
        row = conn.execute(
            f"INSERT INTO jobs (job_type, status{names}) VALUES ('noop', %s{values}) RETURNING id", [status]
        )
        found[name] = row.fetchone()[0]
    return found


def test_what_is_offered_is_what_the_manual_says_and_exactly_what_would_be_done(shell, conn):
    jobs = stand(conn)
    listed = json.loads(shell("show", *jobs.values(), "--json").out)["jobs"]
    assert {name: job["actions"] for name, job in zip(jobs, listed, strict=True)} == {
        n: a for n, (a, _) in STANDING.items()
    }
    before = conn.execute("SELECT array_agg(j::text ORDER BY id) FROM jobs j").fetchone()
    for verb in VERBS:
        told = shell(verb, *jobs.values(), "--dry-run", "--json")
        answers = json.loads(told.out)["answers"]
        for (name, (offered, _)), answer in zip(STANDING.items(), answers, strict=True):
            assert (answer["answer"] in ("done", "requested")) == (verb in offered), (name, answer)
            # what is refused says what is possible instead, and that is possible
            hinted = set(VERBS) & set((answer["hint"] or "").split())
            assert hinted <= set(offered) or answer["answer"] != "refused", (name, answer)
        refused = any(answer["answer"] == "refused" for answer in answers)
        assert told.code == (4 if refused else 0)
    assert conn.execute("SELECT array_agg(j::text ORDER BY id) FROM jobs j").fetchone() == before, "a dry run"
    assert conn.execute("SELECT count(*) FROM events").fetchone() == (0,)


def test_a_sweep_keeps_to_its_limit_and_lets_another_go_first(shell, conn, tmp_path):
    conn.execute(
        "INSERT INTO jobs (job_type, status, error_type, next_retry_at) SELECT 'noop', 'failed', 'transient', now() FROM generate_series(1, 3)"
    )
    lock = tmp_path / "lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        other = shell("retry", "--due", "--lock", lock)
        assert (other.code, other.out, other.err) == (0, "", "")
    assert shell("retry", "--due", "--dry-run").out == "dry run: would requeue: 1 2 3\n"
    assert shell("retry", "--due", "--lock", lock, "--limit", "2").out == "requeued: 1 2\n"
    assert shell("retry", "--due", "-q").out == ""
    assert shell("list", "-s", "pending", "-o", "id").out.split() == ["3", "2", "1"]


def test_a_wait_for_what_was_asked_ends_with_124_or_with_20(shell, conn, eventually):
    job_id = submit(shell, "trouble", "--set", "kind=hang")
    shell.start("worker", "run", "-c1", env={"JOBCTL_CANCEL_GRACE": "0.5"})
    eventually(lambda: conn.execute("SELECT progress->>'stage' FROM jobs").fetchone() == ("making",))
    assert shell("pause", job_id, "--wait", "--timeout", "0.3s").code == 124
    assert shell("resume", job_id).out == f"job {job_id}: pause request withdrawn\n"
    waiting = shell.start("pause", job_id, "--wait")
    eventually(lambda: conn.execute("SELECT pause_requested_at IS NOT NULL FROM jobs").fetchone() == (True,))
    assert shell("cancel", job_id, "--wait").code == 0
    assert waiting.wait(20) == 20, "it can't be paused any more"


def test_retry_after_wins_over_the_backoff(shell, conn):
    job_id = fail(shell, "later")
    seconds = conn.execute("SELECT extract(epoch FROM next_retry_at - completed_at) FROM jobs WHERE id = %s", [job_id])
    assert round(seconds.fetchone()[0]) == 3600
    job_id = fail(shell, "slow down")
    seconds = conn.execute("SELECT extract(epoch FROM next_retry_at - completed_at) FROM jobs WHERE id = %s", [job_id])
    assert 60 <= seconds.fetchone()[0] <= 66


def test_a_job_that_waits_for_others_or_for_its_time_says_so_and_what_to_type(shell, conn):
    broken, lost, held = fail(shell), submit(shell, "noop"), submit(shell, "noop")
    waits = {
        name: submit(shell, "noop", "--after", on)
        for name, on in (("failed", broken), ("gone", lost), ("paused", held))
    }
    shell("cancel", lost)
    shell("delete", lost)
    shell("pause", held)

    def why(job_id: str) -> str:
        return shell("why", job_id).out

    assert f"Waiting for job {broken}, which is failed." in why(waits["failed"])
    assert f"jobctl retry {broken} or jobctl restart {broken}" in why(waits["failed"])
    assert f"Waiting for job {lost}, which is deleted." in why(waits["gone"])
    assert f"jobctl cancel {waits['gone']}" in why(waits["gone"])
    assert f"jobctl resume {held}" in why(waits["paused"])
    later = submit(shell, "noop", "--delay", "2h")
    fixed = submit(shell, "noop", "--at", "2099-01-01T00:00:00Z")
    assert "Due in" in why(later)
    assert "at 2099-01-01T00:00:00+00:00." in why(fixed)
    shell("worker", "run", "--drain")
    assert {job(shell, j)["status"] for j in (*waits.values(), later, fixed)} == {"pending"}
    shell("resume", held)
    shell("worker", "run", "--drain")
    assert job(shell, waits["paused"])["status"] == "completed"


def test_the_log_is_shown_by_stage_and_by_attempt_and_followed_to_its_end(shell, conn):
    job_id = submit(shell, "trouble", "--set", "kind=print")
    follower = shell.start("logs", job_id, "-f")
    shell("worker", "run", "--drain")
    shell("restart", job_id)
    shell("worker", "run", "--drain")
    assert "hello from the handler" in follower.communicate(timeout=20)[0]
    for words, count in (
        ([], 2), (["--attempt", "1"], 1), (["--attempt", "3"], 0), (["--stage", "making"], 2), (["--stage", "other"], 0),
    ):  # fmt: skip
        assert shell("logs", job_id, *words).out.count("hello from the handler") == count, words
    assert len(shell("logs", job_id, "-n", "1", "-f").out.splitlines()) == 1
