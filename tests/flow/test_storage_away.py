"""A storage that is away, full, or another one: nothing is charged, nothing fails, all goes on when it is back."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fakes import s3
from tests.scrape import address, page


def submit(shell, *words: object) -> int:
    done = shell("submit", *words)
    assert done.code == 0, done.err
    return int(done.out)


def rows(conn) -> list[tuple]:
    return conn.execute("SELECT DISTINCT status, crash_count, retry_count, error_type FROM jobs").fetchall()


def away(conn) -> str | None:
    """What is shown of the only worker that has not stopped."""
    found = conn.execute("SELECT storage_away FROM workers WHERE stopped_at IS NULL").fetchone()
    return found and found[0]


def stop(worker) -> str:
    worker.terminate()
    return worker.communicate(timeout=40)[1]


@pytest.fixture
def folder(shell) -> Path:
    """The storage, known to the database."""
    submit(shell, "noop")
    assert shell("worker", "run", "--drain").code == 0
    return shell.home / "storage"


@pytest.fixture
def document(shell) -> Path:
    file = shell.home / "book.md"
    file.write_text("# A book\n\n" + "The keeper writes his log. " * 40)
    return file


def test_the_first_worker_marks_the_storage_and_the_database_knows_the_marker(shell, conn, folder):
    (known,) = conn.execute("SELECT storage_id FROM storage").fetchone()
    assert (folder / "jobctl" / "identity").read_text() == f"jobctl storage {known}\n"
    assert [path.name for path in (folder / "jobctl").iterdir()] == ["identity"], "no probe is left"
    told = json.loads(shell("db", "storage", "--json").out)
    assert (told["storage_id"], told["here"]) == (known, str(folder))


def test_a_worker_that_cannot_use_its_storage_is_alive_and_not_ready(shell, folder, eventually):
    forgotten = shell.home / "mount"
    forgotten.mkdir(mode=0o700)
    sick = shell.start("worker", "run", "--metrics", "0", env={"JOBCTL_STORAGE": str(forgotten)})
    url = address(sick)
    eventually(lambda: "no marker" in (answer := page(url + "/readyz"))[1] and answer[0] == 503)
    assert "jobctl_storage_away 1" in page(url + "/metrics")[1].splitlines()
    assert page(url + "/healthz") == (200, "ok\n")
    stop(sick)


def test_a_worker_on_an_empty_folder_takes_nothing_and_a_healthy_one_does_it_all(
    shell, conn, folder, document, eventually
):
    """A forgotten mount on one host of two."""
    forgotten = shell.home / "mount"
    forgotten.mkdir(mode=0o700)
    sick = shell.start("worker", "run", "--name", "sick", env={"JOBCTL_STORAGE": str(forgotten)})
    eventually(lambda: away(conn))
    ids = [submit(shell, document, "--set", "detect_connections=false", "--set", f"title=t{n}") for n in range(4)]
    assert "no marker" in shell("why", ids[0]).out
    assert "No running worker can use the storage" in shell("why", ids[0]).out
    assert "storage away" in shell("worker", "list").out
    told = shell("doctor")
    assert "sick" in told.out
    assert conn.execute("SELECT count(*) FROM jobs WHERE status = 'pending'").fetchone() == (4,)
    assert shell("worker", "run", "--drain", "--name", "healthy").code == 0
    assert rows(conn) == [("completed", 0, 0, None)]
    text = stop(sick)
    assert text.count("is not the one of this database") == 1
    assert list(forgotten.iterdir()) == [], "nothing was written there"


def test_a_submit_to_another_storage_is_refused(shell, conn, folder, document, tmp_path):
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    done = shell("submit", document, env={"JOBCTL_STORAGE": str(other)})
    assert done.code == 5
    assert "is not the one of this database" in done.err
    assert len(done.err.splitlines()) <= 3
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (1,)
    assert list(other.iterdir()) == []
    assert shell("submit", "noop", env={"JOBCTL_STORAGE": str(other)}).code == 0, "it reads and writes no bytes"


def test_a_replaced_storage_can_be_adopted(shell, conn, folder):
    shutil.rmtree(folder)
    assert shell("doctor").code == 5
    assert "--adopt" in shell("db", "storage").err
    assert shell("db", "storage", "--adopt").code == 0
    submit(shell, "steps")
    assert shell("worker", "run", "--drain").code == 0
    assert shell("db", "storage").code == 0


def test_a_folder_without_the_bytes_of_an_older_database_is_not_taken_for_its_storage(shell, conn, folder):
    """Databases from before there were markers."""
    submit(shell, "steps", "--set", "items=4")
    assert shell("worker", "run", "--drain").code == 0
    conn.execute("DELETE FROM storage")
    empty = shell.home / "empty"
    refused = shell("db", "storage", env={"JOBCTL_STORAGE": str(empty)})
    assert (refused.code, "none of the bytes" in refused.err) == (5, True)
    shutil.rmtree(folder / "jobctl")
    assert shell("db", "storage").code == 0, "the one that has them is"


def test_a_storage_that_goes_while_jobs_run_charges_nobody_and_repeats_nothing(
    shell, conn, folder, eventually, tmp_path
):
    """What was in the folder is not there any more, as after an unmount."""
    trail = tmp_path / "trail"
    hold = Path(f"{trail}.hold")
    hold.write_text("squares 10")
    job = submit(shell, "steps", "--set", f"trail={trail}")
    worker = shell.start("worker", "run")
    eventually(lambda: trail.exists() and "squares 10" in trail.read_text())
    kept = folder.with_name("kept")
    kept.mkdir()
    for entry in [*folder.iterdir()]:
        entry.rename(kept / entry.name)
    hold.unlink()
    waiting = "SELECT count(*) FROM job_logs WHERE job_id = %s AND text LIKE '%%no marker%%'"
    eventually(lambda: conn.execute(waiting, [job]).fetchone()[0])
    assert list(folder.rglob("*")) == []
    for entry in [*kept.iterdir()]:
        entry.rename(folder / entry.name)
    assert shell("wait", job, "--timeout", "60s").code == 0
    assert rows(conn) == [("completed", 0, 0, None)]
    lines = trail.read_text().splitlines()
    assert len(lines) == len(set(lines)) == 13, lines
    stop(worker)


@pytest.mark.skipif(os.geteuid() != 0, reason="a remount needs root")
def test_a_remount_that_is_read_only_stops_the_claims_and_fails_no_job(shell, conn, folder, eventually):
    mount = shell.home / "disk"
    mount.mkdir(mode=0o700)
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(mount)], check=False, capture_output=True).returncode:
        pytest.skip("no mounts here")
    try:
        shell.env["JOBCTL_STORAGE"] = str(mount / "storage")
        assert shell("db", "storage", "--adopt").code == 0
        subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
        ids = [submit(shell, "steps", "--set", "items=4") for _ in range(5)]
        worker = shell.start("worker", "run", "--metrics", "0")
        eventually(lambda: "read-only" in (away(conn) or ""))
        assert conn.execute("SELECT DISTINCT status, lease_seq FROM jobs WHERE id >= %s", [ids[0]]).fetchall() == [
            ("pending", 0)
        ]
        subprocess.run(["mount", "-o", "remount,rw", str(mount)], check=True)
        assert shell("wait", *ids, "--timeout", "60s").code == 0
        assert away(conn) is None
        assert "the storage is back after" in stop(worker)
        assert rows(conn) == [("completed", 0, 0, None)]
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="a mount needs root")
def test_a_full_disk_charges_nobody(shell, conn, folder, eventually):
    mount = shell.home / "disk"
    mount.mkdir(mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mount)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no mounts here")
    try:
        shell.env["JOBCTL_STORAGE"] = str(mount / "storage")
        assert shell("db", "storage", "--adopt").code == 0
        filler = mount / "filler"
        subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4k"], check=False, capture_output=True)
        job = submit(shell, "steps", "--set", "items=4")
        worker = shell.start("worker", "run")
        eventually(lambda: "full" in (away(conn) or ""))
        filler.unlink()
        assert shell("wait", job, "--timeout", "60s").code == 0
        stop(worker)
        assert rows(conn) == [("completed", 0, 0, None)]
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=False)


@pytest.fixture
def bucket(shell):
    """A bucket that the database knows."""
    with s3.running() as fake:
        shell.env |= fake.environment | {"JOBCTL_STORAGE": "s3://books/lib"}
        submit(shell, "noop")
        assert shell("worker", "run", "--drain").code == 0
        yield fake


def test_a_wrong_secret_stops_the_claims_and_fails_no_job(shell, conn, bucket, document, eventually):
    ids = [submit(shell, document, "--set", "detect_connections=false", "--set", f"title=t{n}") for n in range(2)]
    sick = shell.start("worker", "run", "--name", "sick", env={"AWS_ACCESS_KEY_ID": "another"})
    eventually(lambda: "InvalidAccessKeyId" in (away(conn) or ""))
    assert shell("submit", document, env={"AWS_ACCESS_KEY_ID": "another"}).code == 5
    assert shell("worker", "run", "--drain").code == 0
    assert shell("wait", *ids, "--timeout", "1s").code == 0
    assert rows(conn) == [("completed", 0, 0, None)]
    stop(sick)


@pytest.mark.parametrize("trouble", ["skewed", "cut"])
def test_a_bucket_that_goes_while_a_job_runs_charges_nobody(shell, conn, bucket, eventually, tmp_path, trouble):
    trail = tmp_path / "trail"
    hold = Path(f"{trail}.hold")
    hold.write_text("squares 10")
    job = submit(shell, "steps", "--set", f"trail={trail}")
    worker = shell.start("worker", "run", "--poll", "0.2")
    eventually(lambda: trail.exists() and "squares 10" in trail.read_text())
    bucket.away = trouble
    hold.unlink()
    eventually(lambda: away(conn))
    bucket.away = None
    assert shell("wait", job, "--timeout", "90s").code == 0
    assert rows(conn) == [("completed", 0, 0, None)]
    lines = trail.read_text().splitlines()
    assert len(lines) == len(set(lines)) == 13, lines
    eventually(lambda: not away(conn))
    assert "the storage is back after" in stop(worker)
    if trouble == "skewed":
        assert "clock" in "".join(text for (text,) in conn.execute("SELECT text FROM job_logs"))


def test_an_input_that_is_missing_is_invalid_only_where_the_storage_is_proven(shell, conn, folder, document):
    job = submit(shell, document, "--set", "detect_connections=false")
    shutil.rmtree(folder / "inputs")
    assert shell("worker", "run", "--drain").code == 0
    error = json.loads(shell("show", job, "--json").out)["error"]
    assert (error["type"], "is not in the storage any more" in error["message"]) == ("invalid", True)
