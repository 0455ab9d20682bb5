"""A worker removes ended jobs after a while, by itself; ``prune --dry-run`` says before what would go."""

import json

from tests.flow.test_control import submit


def test_a_worker_removes_old_jobs_with_their_bytes_and_keeps_the_others(shell, conn, eventually):
    old, young, kept = (submit(shell, "steps", "--set", "items=4") for _ in range(3))
    assert shell("worker", "run", "--drain").code == 0
    conn.execute("UPDATE jobs SET completed_at = completed_at - interval '8 days' WHERE id = %s", [old])
    conn.execute("UPDATE jobs SET completed_at = completed_at - interval '6 days' WHERE id = %s", [kept])
    conn.execute("INSERT INTO retention DEFAULT VALUES")
    told = json.loads(shell("prune", "--dry-run", "--json").out)
    assert (told["jobs"], told["checkpoints"] > 0, told["orphans"]) == (1, True, 0)
    worker = shell.start("worker", "run", "-c1")
    folder = shell.home / "storage" / "jobs" / old
    assert folder.exists()
    eventually(lambda: not folder.exists())
    eventually(lambda: shell("show", old).code == 3)
    assert [shell("show", each).code for each in (young, kept)] == [0, 0]
    worker.terminate()
    assert worker.wait(20) == 0
    assert "retention: removed 1 job" in worker.stderr.read()
    told = json.loads(shell("prune", "--jobs-older", "5d", "--dry-run", "--json").out)
    assert told["jobs"] == 1
    assert shell("prune", env={"JOBCTL_KEEP_JOBS": "completed=forever"}).code == 0
    assert shell("prune", env={"JOBCTL_KEEP_JOBS": "completed=soon"}).code == 5
