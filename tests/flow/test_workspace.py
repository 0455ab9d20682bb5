"""Temporary files of children: whoever is killed, nothing stays behind."""

import os
import signal

import pytest

from jobctl.worker.processes import children
from jobctl.worker.workspace import PREFIX, Workspaces


def test_a_folder_whose_supervisor_is_gone_is_swept_and_one_that_is_held_stays(tmp_path):
    held, gone = Workspaces(tmp_path), Workspaces(tmp_path)
    (gone.make() / "left").write_text("by a child")
    (tmp_path / f"{PREFIX}of-somebody-else").mkdir()
    os.close(gone._lock)  # as the kernel does when a process is killed
    another = Workspaces(tmp_path)
    assert not gone.root.exists()
    assert held.root.exists()
    assert (tmp_path / f"{PREFIX}of-somebody-else").exists()
    for one in (held, another):
        one.close()
    assert [path.name for path in tmp_path.iterdir()] == [f"{PREFIX}of-somebody-else"]


@pytest.mark.parametrize("victim", ["child", "worker"])
def test_a_killed_process_leaves_no_temporary_files(shell, conn, eventually, tmp_path, victim):
    (tmp_path / "tmp").mkdir()
    here = {"TMPDIR": str(tmp_path / "tmp")}
    worker = shell.start("worker", "run", "-c1", "-q", env=here)
    shell("submit", "steps", "--set", "items=400", "--set", "slow=0.2")
    eventually(lambda: conn.execute("SELECT 1 FROM jobs WHERE progress ->> 'current' IS NOT NULL").fetchone())
    child = children(children(worker.pid)[0])[0]
    (folder,) = (tmp_path / "tmp").glob(f"{PREFIX}*/*/")
    (folder / "half a book").write_text("…")
    os.kill(child if victim == "child" else worker.pid, signal.SIGKILL)
    if victim == "worker":
        worker.wait()
        worker = shell.start("worker", "run", "-c1", "-q", env=here)
        eventually(lambda: conn.execute("SELECT count(*) FROM workers").fetchone()[0] == 2)
    eventually(lambda: not folder.exists())
    shell("cancel", 1)
    worker.terminate()
    worker.wait(20)
    assert list((tmp_path / "tmp").iterdir()) == []
