"""A fault at every boundary of claim, write, commit, beat and settle: the result is the same, nothing is done twice."""

import json
import threading

import pytest

from jobctl.core.lifecycle import Status
from jobctl.core.rows import Event
from jobctl.torture.history import History, check
from tests.fakes import s3

EXPECTED = {"total": sum(n * n for n in range(20)), "count": 20}
KINDS = ("kill", "stop", "raise", "drop")
PROTOCOL = [
    *((point, kind, count) for point in ("write", "after-write", "commit", "after-commit")
      for kind in ("kill", "stop", "raise") for count in (1, 2)),
    *((point, "drop", count) for point in ("commit", "after-commit") for count in (1, 2)),
]  # fmt: skip
LOCAL = [
    *((point, kind, count) for point in ("fsync", "rename") for kind in ("kill", "stop", "raise") for count in (1, 2)),
    *((point, kind, 1) for point in ("after-claim", "settle", "after-settle", "beat", "after-beat") for kind in KINDS),
]
BUCKET = [(point, kind, count) for point in ("request", "after-request") for kind in KINDS for count in (1, 2)]
WORKERS = 8


@pytest.fixture(params=["local", "s3"])
def faults(request, shell):
    """The faults of a storage; the shell uses it."""
    if request.param == "local":
        yield PROTOCOL + LOCAL
        return
    with s3.running() as server:
        shell.env |= server.environment | {
            "JOBCTL_STORAGE": "s3://books/jobctl",
            "JOBCTL_CHILD_ENVIRONMENT": "JOBCTL_STORAGE",
        }
        yield PROTOCOL + BUCKET
        assert any(key.startswith("jobctl/jobs/") for key in server.objects), "nothing went into the bucket"


@pytest.fixture
def fleet(shell, faults):
    """Workers with a short lease; one that ends is started again."""
    environment = {"JOBCTL_LEASE_TTL": "2", "JOBCTL_TEST_FAULTS": str(shell.home / "faults"), "JOBCTL_AUTO_RETRY": "on"}
    (shell.home / "faults").mkdir()
    over = threading.Event()

    def keep() -> None:
        workers: list = []
        while not over.is_set():
            workers = [worker for worker in workers if worker.poll() is None]
            while len(workers) < WORKERS:
                workers.append(shell.start("worker", "run", "-c1", "--poll", "0.1", "-q", env=environment))
            over.wait(0.1)

    keeper = threading.Thread(target=keep)
    yield keeper
    over.set()
    keeper.join()


@pytest.mark.timeout(300)
def test_a_fault_at_any_boundary_loses_nothing_and_repeats_nothing(shell, conn, faults, fleet):
    line = json.dumps({"type": "steps", "input": {"slow": 0.03}, "max_retries": 5})
    done = shell("submit", "-f", "-", "--delay", "1h", stdin="\n".join([line] * len(faults)))
    jobs = {int(i): ":".join(map(str, fault)) for i, fault in zip(done.out.split(), faults, strict=True)}
    for job_id, fault in jobs.items():
        (shell.home / "faults" / str(job_id)).write_text(fault)
    conn.execute("UPDATE jobs SET run_after = now()")
    fleet.start()
    deadline = 400
    while deadline and not all(row[0] == "completed" for row in conn.execute("SELECT status FROM jobs")):
        # what raised failed for good: a person tries it again
        failed = [str(i) for (i,) in conn.execute("SELECT id FROM jobs WHERE status = 'failed'")]
        if failed:
            shell("retry", *failed)
        deadline -= 1
        threading.Event().wait(0.2)
    fired = {int(path.stem) for path in (shell.home / "faults").glob("*.fired")}
    assert {jobs[i] for i in jobs.keys() - fired} == set(), "faults that never happened"
    shown = [json.loads(line) for line in shell("show", *jobs, "-o", "ndjson", "--result", "--events").out.splitlines()]
    wrong = {
        jobs[j["id"]]: (j["status"], j["output"])
        for j in shown
        if (j["status"], j["output"]) != ("completed", EXPECTED)
    }
    assert wrong == {}
    rows = conn.execute(
        "SELECT id, job_id, at, kind, from_status, to_status, actor, lease_seq, detail FROM events ORDER BY id"
    )
    events = [Event(*row) for row in rows]
    stand = {
        i: {"status": Status(status), "output": output, "expected": EXPECTED, "retry_count": retries}
        for i, status, output, retries in conn.execute("SELECT id, status, output_data, retry_count FROM jobs")
    }
    assert check(History(frozenset(jobs), stand, events, [], frozenset())).findings == []
