"""Each of the eight types, killed and paused at every commit of every stage: the result is that of an undisturbed run."""

import csv
import json

import pytest

from jobctl.core.lifecycle import Status

VARYING = ("started_at", "backup")
TEXT = "The keeper of the light writes about the harbour and the ships that pass it in number {n} of his long log."
TYPES: dict[str, tuple[dict, int]] = {
    "process_document": ({"path": "one.md", "force": True, "chunk_size": 300}, 7),
    "detect_connections": ({}, 3),
    "reprocess_connections": ({"mode": "all"}, 3),
    "export_documents": ({"include_connections": True, "include_annotations": True}, 3),
    "import_document": ({"path": "library.zip", "mode": "replace"}, 3),
    "obsidian_export": ({"vault": "vault"}, 3),
    "obsidian_sync": ({"vault": "vault"}, 3),
    "readwise_import": ({"path": "marks.csv"}, 4),
}


def prepare(shell) -> None:
    """A small library, its archive, a vault, highlights."""
    for name, first in (("one", 0), ("two", 5)):
        text = "\n\n".join(TEXT.format(n=n) for n in range(first, first + 12))
        (shell.home / f"{name}.md").write_text(f"# Log {name}\n\n{text}\n")
    (shell.home / "vault").mkdir()
    with (shell.home / "marks.csv").open("w", newline="") as sink:
        rows = [["Highlight", "Title"], [TEXT.format(n=3), "Log one"], [TEXT.format(n=8), "Log two"]]
        csv.writer(sink).writerows(rows)
    assert shell("submit", "one.md", "two.md", "--wait").code == 0
    for words in (
        ["readwise_import", "--set", "path=marks.csv"], ["obsidian_export", "--set", "vault=vault"],
        ["export_documents", "--set", "path=library.zip", "--set", "include_connections=true"],
    ):  # fmt: skip
        assert shell("submit", *words, "--wait").code == 0


def results(conn, ids: list[int]) -> list[dict]:
    rows = conn.execute(
        "SELECT status, output_data, retry_count, error_message FROM jobs WHERE id = ANY (%s) ORDER BY id", [ids]
    ).fetchall()
    assert {(status, retries, error) for status, _, retries, error in rows} == {(Status.COMPLETED, 0, None)}
    return [{name: value for name, value in output.items() if name not in VARYING} for _, output, _, _ in rows]


@pytest.mark.timeout(300)
def test_each_type_ends_the_same_however_often_it_is_killed_and_paused(shell, conn):
    faults = shell.home / "faults"
    faults.mkdir()
    words = ["worker", "run", "-q", "-c1", "--poll", "0.1", "--input-root", shell.home]
    worker = shell.start(*words, env={"JOBCTL_TEST_FAULTS": str(faults)})
    prepare(shell)
    wrong = {name: found for name in TYPES if (found := disturbed(shell, conn, faults, name)) != []}
    assert wrong == {}
    worker.terminate()
    worker.wait(30)


def disturbed(shell, conn, faults, job_type: str) -> list:
    """What differs from an undisturbed run of the type, over a fault at each of its commits."""
    payload, commits = TYPES[job_type]
    first = shell("submit", job_type, "--payload", json.dumps(payload), "--wait")
    (usual,) = results(conn, [int(first.out.split()[0])])
    kinds = ("commit:kill", "after-commit:kill", "commit:pause")
    wanted = [f"{kind}:{count}" for count in range(1, commits + 1) for kind in kinds]
    lines = "".join(json.dumps({"type": job_type, "input": payload}) + "\n" for _ in wanted)
    done = shell("submit", "-f", "-", "--delay", "1h", stdin=lines)
    assert done.code == 0, done.err
    cases = dict(zip(map(int, done.out.split()), wanted, strict=True))
    for job_id, fault in cases.items():
        (faults / str(job_id)).write_text(fault)
    conn.execute("UPDATE jobs SET run_after = now() WHERE status = 'pending'")
    for _ in range(600):
        states = dict(conn.execute("SELECT id, status FROM jobs WHERE id = ANY (%s)", [[*cases]]).fetchall())
        if paused := [i for i, state in states.items() if state == Status.PAUSED]:
            shell("resume", *paused)
        if all(state in (Status.COMPLETED, Status.FAILED) for state in states.values()):
            break
        conn.execute("SELECT pg_sleep(0.1)")
    fired = {int(path.stem) for path in faults.glob("*.fired")}
    assert {cases[i].rpartition(":")[2] for i in cases.keys() - fired} <= {str(commits)}
    return [found for found in results(conn, [*cases]) if found != usual]
