"""Results of any size are kept, checked when they are read, and go when they are meant to go."""

import base64
import json
from pathlib import Path

import pytest

from jobctl import testing, wiring
from jobctl.core.errors import CheckpointCorrupt, CheckpointMissing, IllegalTransition, Permanent
from tests.plugin import jobctl_test_hostile as handlers

LARGE = 300_000


@pytest.fixture
def client(shell):
    client = wiring.connect(wiring.settings({}, shell.env))
    yield client
    client.close()


def submit(shell, **values: object) -> int:
    done = shell("submit", "returns", *(word for k, v in values.items() for word in ("--set", f"{k}={v}")))
    assert done.code == 0, done.err
    return int(done.out)


def work(shell) -> None:
    done = shell("worker", "run", "--drain", "-c", 1)
    assert done.code == 0, done.err


def stored(home: Path) -> list[Path]:
    return sorted((home / "storage" / "jobs").rglob("result-*"))


def test_a_result_of_any_size_is_kept_and_read_everywhere(shell, client, tmp_path):
    jobs = {submit(shell, kind="text", size=size): size for size in (10, 65_525, 65_526, LARGE)}
    work(shell)
    for job_id, size in jobs.items():
        value = {"text": "x" * size}
        large = len(json.dumps(value, separators=(",", ":"))) > 64 * 1024
        assert large == (size > 65_525)
        shown = json.loads(shell("show", job_id, "--json", "--result").out)
        assert (shown["status"], shown["output"]) == ("completed", value)
        assert shown["result"]["location"] == ("storage" if large else "row")
        printed = shell("result", job_id)
        assert (printed.code, json.loads(printed.out)) == (0, value)
        assert shell("result", job_id, "-o", tmp_path / "out.json").code == 0
        assert json.loads((tmp_path / "out.json").read_text()) == value
        assert client.result(job_id) == value
    assert len(stored(tmp_path)) == 2
    assert f'"text": "{"x" * 70_000}' in shell("show", job_id, "--result").out


def test_bytes_in_a_result_are_kept_whole(shell, client):
    small, large = submit(shell, kind="bytes", size=1), submit(shell, kind="bytes", size=1000)
    work(shell)
    for job_id, raw in ((small, bytes(range(256))), (large, bytes(range(256)) * 1000)):
        assert client.result(job_id) == {"raw": raw}
        printed = json.loads(shell("result", job_id).out)
        assert base64.b64decode(printed["raw"]["$base64"]) == raw


def test_a_result_of_nothing_is_null(shell, client):
    job_id = submit(shell, kind="none")
    work(shell)
    assert (client.result(job_id), shell("result", job_id).out) == (None, "null\n")


REFUSED = {
    "surrogate": "result.pages[1]: text with a lone surrogate (U+D800)",
    "surrogate key": "result.pages, key '\\udfff': text with a lone surrogate (U+DFFF)",
    "nan": "result.scores[1]: nan is not a JSON number",
    "infinity": "result.scores[1]: -inf is not a JSON number",
    "nul": "result.text[1]: text with the character U+0000",
    "nul in a large one": "result.text[1]: text with the character U+0000",
    "key": "returning.counts: a key is 1; keys must be text",
    "deep": "nested deeper than 100 levels, or containing itself",
    "circle": "nested deeper than 100 levels, or containing itself",
    "set": "returning.found: a value of type set cannot be kept",
    "long number": "result.number: an integer of more than 4,000 digits",
    "reserved": "returning: the key '$base64' is reserved",
}


def test_what_a_result_cannot_hold_is_the_handlers_fault_and_named(shell):
    jobs = {submit(shell, kind=kind): kind for kind in REFUSED}
    deep = submit(shell, kind="as deep as it may be")
    work(shell)
    for job_id, kind in jobs.items():
        failed = json.loads(shell("show", job_id, "--json").out)
        assert (failed["status"], failed["error"]["type"], failed["crash_count"]) == ("failed", "permanent", 0), kind
        assert REFUSED[kind] in failed["error"]["message"], kind
        with pytest.raises(Permanent) as raised:
            testing.run(handlers.returns, {"kind": kind})
        assert REFUSED[kind] in str(raised.value)
    assert json.loads(shell("show", deep, "--json").out)["status"] == "completed"


def test_the_kit_returns_what_the_client_returns(shell, client):
    returned = (("none", 0), ("text", 10), ("text", LARGE), ("bytes", 1), ("bytes", 1000))
    jobs = [(submit(shell, kind=kind, size=size), kind, size) for kind, size in returned]
    work(shell)
    for job_id, kind, size in jobs:
        assert testing.run(handlers.returns, {"kind": kind, "size": size}).output == client.result(job_id)


def test_damaged_and_missing_bytes_of_a_result_are_an_error_and_never_an_answer(shell, client, tmp_path):
    damaged, missing = submit(shell, kind="text", size=LARGE), submit(shell, kind="text", size=LARGE)
    work(shell)
    assert shell("verify", damaged, missing).code == 0
    first, second = stored(tmp_path)
    first.write_bytes(first.read_bytes().replace(b"x", b"y", 1))
    second.unlink()
    for job_id, error, words in (
        (damaged, CheckpointCorrupt, "not those that were written"),
        (missing, CheckpointMissing, "missing"),
    ):
        for command in (["result", job_id], ["show", job_id, "--result"], ["show", job_id, "--result", "--json"]):
            refused = shell(*command)
            assert (refused.code, refused.out) == (4, ""), command
            assert words in refused.err
        with pytest.raises(error):
            client.result(job_id)
    checked = json.loads(shell("verify", damaged, missing, "--json").out)["checkpoints"]
    assert [(row["stage"], row["seq"], row["verdict"]) for row in checked] == [
        ("result", None, "corrupt"), ("result", None, "missing"),
    ]  # fmt: skip
    assert shell("verify", damaged, missing).code == 4


def test_a_job_that_is_not_completed_has_no_result(shell, client):
    job_id = submit(shell, kind="text")
    assert shell("result", job_id).code == 4
    assert shell("result", 77).code == 3
    with pytest.raises(IllegalTransition, match="is pending"):
        client.result(job_id)


def test_results_outlive_checkpoints_and_have_their_own_retention(shell, conn, tmp_path):
    job_id = submit(shell, kind="text", size=LARGE)
    small = submit(shell, kind="text", size=5)
    work(shell)
    conn.execute("UPDATE jobs SET completed_at = completed_at - interval '30 days'")
    assert shell("prune", env={"JOBCTL_KEEP_JOBS": "completed=forever"}).code == 0
    assert shell("result", job_id).code == 0
    assert "0 results" not in shell("prune", "--results-older", "20d", "--dry-run").out
    assert len(stored(tmp_path)) == 1
    kept = {"JOBCTL_KEEP_JOBS": "completed=forever"}
    pruned = json.loads(shell("prune", "--results-older", "20d", "--json", env=kept).out)
    assert (pruned["results"], pruned["orphans"], stored(tmp_path)) == (1, 0, [])
    gone = shell("result", job_id)
    assert (gone.code, "removed by prune" in gone.err) == (4, True)
    shown = json.loads(shell("show", job_id, "--json", "--result").out)
    assert (shown["output"], shown["result"]["location"], shown["result"]["path"]) == (None, "pruned", None)
    assert shell("result", small).code == 0
    assert shell("prune", env={"JOBCTL_KEEP_RESULTS_DAYS": "20"}).code == 0
    assert [shell("show", each).code for each in (job_id, small)] == [3, 3], "completed jobs are kept for seven days"


def test_delete_removes_a_result_and_restart_forgets_it(shell, tmp_path):
    one, two = submit(shell, kind="text", size=LARGE), submit(shell, kind="text", size=LARGE)
    work(shell)
    assert shell("delete", one, "-y").code == 0
    (left,) = stored(tmp_path)
    assert f"/{two}/" in str(left)
    assert shell("restart", two).code == 0
    shown = json.loads(shell("show", two, "--json", "--result").out)
    assert (shown["output"], list(shown["result"].values())) == (None, [None] * 4)
    shell("prune", "--results-older", "0s")
    assert stored(tmp_path) == []
    work(shell)
    assert shell("result", two).code == 0


def test_a_worker_killed_between_the_bytes_and_the_outcome_leaves_an_orphan_only(shell, conn, tmp_path, eventually):
    faults = tmp_path / "faults"
    faults.mkdir()
    (faults / "1").write_text("after-write:kill:1")
    job_id = submit(shell, kind="text", size=LARGE)
    env = {"JOBCTL_TEST_FAULTS": str(faults)}
    done = shell("worker", "run", "--drain", "-c", 1, env=env)
    assert done.code == 0, done.err
    shown = json.loads(shell("show", job_id, "--json").out)
    assert (shown["status"], shown["crash_count"]) == ("completed", 1)
    assert len(stored(tmp_path)) == 2
    pruned = json.loads(shell("prune", "--json").out)
    assert (pruned["orphans"], [path.relative_to(tmp_path / "storage") for path in stored(tmp_path)]) == (
        1, [Path(shown["result"]["path"])],
    )  # fmt: skip
    assert shell("result", job_id).code == 0
