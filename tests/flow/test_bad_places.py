"""Vaults that are not what they should be, and documents that go while a job works on them."""

import json
import os

import pytest

from jobctl.core.lifecycle import Status


@pytest.fixture
def library(shell):
    """Three documents, processed."""
    names = ("one.md", "two.md", "three.md")
    for name in names:
        (shell.home / name).write_text(f"# The Log {name}\n\n" + f"The keeper of {name} writes his log. " * 40)
    assert shell("submit", *names, "--set", "detect_connections=false", "--run").code == 0
    return shell


def failed(shell, *words: str) -> dict:
    done = shell("submit", *words, "--run")
    assert done.code == 10, done.out + done.err
    assert "Traceback" not in done.err
    error = json.loads(shell("show", done.out.split()[0], "--json").out)["error"]
    assert len(error["message"].splitlines()) <= 3
    return error


@pytest.mark.parametrize("job_type", ["obsidian_export", "obsidian_sync"])
def test_a_vault_that_is_no_folder_is_refused_and_nothing_is_written(library, job_type):
    (library.home / "vault").write_text("a file")
    error = failed(library, job_type, "--set", "vault=vault")
    assert error["type"] == "invalid"
    assert "vault" in error["message"]
    assert (library.home / "vault").read_text() == "a file"
    assert failed(library, job_type, "--set", "vault=/nowhere/vault")["type"] == "invalid"


def test_a_vault_that_cannot_be_written_is_said(library):
    """For root everything can be written but what the kernel itself refuses."""
    vault = "/sys/fs" if os.geteuid() == 0 else str(library.home / "vault")
    if os.geteuid() != 0:
        (library.home / "vault").mkdir(mode=0o500)
    library.env["JOBCTL_INPUT_ROOTS"] = vault
    error = failed(library, "obsidian_export", "--set", f"vault={vault}")
    assert "can't be written" in error["message"]
    assert failed(library, "obsidian_sync", "--set", f"vault={vault}")["type"] in ("invalid", "permanent")


@pytest.mark.parametrize(
    "words",
    [["obsidian_export", "--set", "vault=vault"], ["export_documents"], ["detect_connections", "--set", "document_id=1"]],
)  # fmt: skip
def test_a_document_that_is_deleted_while_a_job_works_on_it_fails_the_job_with_a_sentence(library, conn, words):
    (library.home / "vault").mkdir()
    (library.home / "faults").mkdir()
    done = library("submit", *words, "--delay", "1h")
    (library.home / "faults" / done.out.strip()).write_text("after-commit:pause:1")
    conn.execute("UPDATE jobs SET run_after = now() WHERE status = %s", [Status.PENDING])
    worker = ("worker", "run", "--drain", "--input-root", library.home)
    library(*worker, env={"JOBCTL_TEST_FAULTS": str(library.home / "faults")})
    told = json.loads(library("show", done.out.strip(), "--json").out)
    assert told["status"] == Status.PAUSED
    conn.execute("DELETE FROM documents")
    library("resume", done.out.strip())
    library(*worker)
    told = json.loads(library("show", done.out.strip(), "--json", "--result").out)
    if told["status"] == Status.FAILED:
        assert told["error"]["type"] == "invalid"
        assert "deleted" in told["error"]["message"]
    else:  # nothing is left to compare: that is no failure
        assert words[0] == "detect_connections", told["output"]
        assert told["output"]["connections"] == 0
