"""A writer that is killed leaves nothing for ever beside the user's file."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jobctl.core.errors import Invalid
from jobctl.documents.archive import Archive, Manifest, entry, write

DATA = b"x" * 5000
KILLED = """
import io, os, signal, sys
from pathlib import Path
from jobctl.documents.archive import Manifest, entry, write

class Deadly(io.BytesIO):
    def read(self, size=-1):
        os.kill(os.getpid(), signal.SIGKILL)

data = b"x" * 5000
manifest = Manifest([], [entry("documents/u/content.md", data), entry("documents/u/more.md", data)], {}, [])
streams = iter([("documents/u/content.md", io.BytesIO(data)), ("documents/u/more.md", Deadly())])
write(Path(sys.argv[1]), sys.argv[2], manifest, streams, owner="7")
"""


def manifest() -> Manifest:
    return Manifest([], [entry("documents/u/content.md", DATA)], {}, [])


def streams():
    return iter([("documents/u/content.md", io.BytesIO(DATA))])


def killed(target: Path, form: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(target), form], check=False)
    assert done.returncode == -signal.SIGKILL


def test_a_killed_zip_leaves_nothing_at_all(tmp_path):
    if not hasattr(os, "O_TMPFILE"):
        pytest.skip("no files without a name on this system")
    target = tmp_path / "a.zip"
    target.write_bytes(b"what was there")
    killed(target, "zip")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
    assert target.read_bytes() == b"what was there"


@pytest.mark.parametrize("form", ["zip", "folder"])
def test_the_next_export_removes_what_a_killed_one_left(tmp_path, form):
    target = tmp_path / "library"
    code = KILLED.replace("import io, os,", "import io, os\nvars(os).pop('O_TMPFILE', None)\nimport")
    done = subprocess.run([sys.executable, "-c", code, str(target), form], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    write(target, form, manifest(), streams(), owner="8")
    assert [path.name for path in tmp_path.iterdir()] == ["library"]
    archive = Archive(target)
    archive.verify()
    archive.close()


def test_a_writer_that_is_still_at_work_is_left_alone(tmp_path):
    target = tmp_path / "library"

    class Other(io.BytesIO):
        """While the first archive is written, a second export to the same place begins and ends."""

        def read(self, size: int | None = -1) -> bytes:
            if not list(tmp_path.glob("library")):
                write(target, "folder", manifest(), streams(), owner="2")
                assert len(list(tmp_path.iterdir())) == 2
            return super().read(size)

    other = tmp_path / "library"
    with pytest.raises(Invalid, match="not empty"):
        write(other, "folder", manifest(), iter([("documents/u/content.md", Other(DATA))]), owner="1")
    assert [path.name for path in tmp_path.iterdir()] == ["library"]


def test_a_long_name_is_no_hindrance(tmp_path):
    target = tmp_path / ("n" * 250 + ".zip")
    write(target, "zip", manifest(), streams(), owner="123456789")
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


@pytest.mark.parametrize("form", ["zip", "folder"])
@pytest.mark.parametrize("file", ["library/a", "other/library/a"])
def test_a_folder_that_is_replaced_by_a_link_while_it_is_written_to_leads_nowhere(tmp_path, form, file):
    outside, root = tmp_path / "outside", tmp_path / "root"
    target = root / file
    target.parent.mkdir(parents=True)
    outside.mkdir()

    def swapped():
        target.parent.rename(root / "moved")
        target.parent.symlink_to(outside)
        yield from streams()

    write(target, form, manifest(), swapped())
    assert list(outside.iterdir()) == []
    assert [path.name for path in (root / "moved").iterdir()] == ["a"]
    with pytest.raises(Invalid, match="can't be written"):
        write(target, form, manifest(), streams())
    assert list(outside.iterdir()) == []


def test_a_folder_within_an_archive_that_is_replaced_by_a_link_leads_nowhere(tmp_path):
    outside, target = tmp_path / "outside", tmp_path / "library"
    outside.mkdir()

    def swapped():
        yield "documents/u/content.md", io.BytesIO(DATA)
        (beside,) = tmp_path.glob(".jobctl-*")
        (beside / "documents" / "u").rename(beside / "moved")
        (beside / "documents" / "u").symlink_to(outside)
        yield "documents/u/more.md", io.BytesIO(DATA)

    with pytest.raises(OSError, match="Not a directory"):
        write(target, "folder", manifest(), swapped())
    assert list(outside.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["outside"]
