"""Archives: the same bytes each time, and nothing hostile or damaged gets in."""

import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from jobctl.core.errors import Invalid
from jobctl.documents.archive import Archive, Manifest, entry, write
from jobctl.handlers.import_document import ImportDocument, pipeline

FILES = {
    "documents/u/content.md": b"# Text\n" * 50,
    "documents/u/document.json": b"{}\n",
    "documents/u/source.bin": bytes(5000),
}


def made(target: Path, form: str = "zip", files: dict[str, bytes] = FILES) -> Path:
    manifest = Manifest([{"uid": "u", "title": "T"}], [entry(n, d) for n, d in files.items()], {"documents": 1}, ["e"])
    write(target, form, manifest, ((name, io.BytesIO(data)) for name, data in files.items()))
    return target


def rebuilt(path: Path, **changes: bytes | None) -> Path:
    """The archive with files changed, added or left out, the manifest as it was."""
    with zipfile.ZipFile(path) as old:
        held = {name: old.read(name) for name in old.namelist()}
    held |= changes
    target = path.with_name("rebuilt.zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in held.items():
            if data is not None:
                new.writestr(name, data)
    return target


@pytest.mark.parametrize("form", ["zip", "folder"])
def test_what_was_written_is_read_and_written_again_with_the_same_bytes(tmp_path, form):
    one = made(tmp_path / "one", form)
    held = Archive(one)
    held.verify()
    two = made(tmp_path / "two", form, {name: held.read(name) for name in FILES})
    if form == "zip":
        assert one.read_bytes() == two.read_bytes()
    else:
        assert [p.read_bytes() for p in sorted(one.rglob("*.*"))] == [p.read_bytes() for p in sorted(two.rglob("*.*"))]
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"documents/u/content.md": b"changed"}, "changed or damaged"),
        ({"documents/u/content.md": None}, "lacks documents/u/content.md"),
        ({"documents/u/more": b"x"}, "does not name"),
        ({"../evil": b"x"}, "unsafe name"),
        ({"/abs": b"x"}, "unsafe name"),
        ({"a\\..\\b": b"x"}, "unsafe name"),
        ({"manifest.json": b"{"}, "not JSON"),
        ({"manifest.json": json.dumps({"schema": "jobctl-export/99"}).encode()}, "'jobctl-export/99'"),
        ({"manifest.json": None}, "no manifest.json"),
    ],
)
def test_a_hostile_or_damaged_archive_is_refused_with_a_sentence(tmp_path, changes, says):
    path = rebuilt(made(tmp_path / "good.zip"), **changes)
    with pytest.raises(Invalid, match=says.replace(".", r"\.")):
        Archive(path).verify()


def test_every_truncation_is_refused(tmp_path):
    data = made(tmp_path / "good.zip").read_bytes()
    for size in range(0, len(data), 97):
        (tmp_path / "torn.zip").write_bytes(data[:size])
        with pytest.raises(Invalid):
            Archive(tmp_path / "torn.zip").verify()


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path):
    path = made(tmp_path / "bomb.zip", files={"documents/u/content.md": bytes(400 << 20)})
    with pytest.raises(Invalid, match="bomb"):
        Archive(path).verify()


def test_a_failed_write_leaves_what_was_there(tmp_path):
    target = made(tmp_path / "a.zip")
    before = target.read_bytes()

    class Torn(io.BytesIO):
        def read(self, *_: int) -> bytes:
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        write(target, "zip", Manifest([], [], {}, []), [("x", Torn())])
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("titles", "title"),
    [
        (["Oppose Book Worship"], "Oppose Book Worship"),
        (["A", "B"], "2 documents"),
        ([""], "export"),
        ([], "0 documents"),
    ],
)
def test_an_import_is_named_after_what_the_archive_has(tmp_path, titles, title):
    manifest = Manifest([{"uid": str(n), "title": t} for n, t in enumerate(titles)], [], {}, [])
    write(tmp_path / "export.zip", "zip", manifest, [])
    assert pipeline.title(ImportDocument(path=str(tmp_path / "export.zip"))) == title


@pytest.mark.parametrize("content", [b"no archive", b"", None])
def test_an_import_is_named_after_its_file_where_that_can_not_be_read(tmp_path, content):
    path = tmp_path / "export.zip"
    os.mkfifo(path) if content is None else path.write_bytes(content)
    assert pipeline.title(ImportDocument(path=str(path))) == "export"
    assert pipeline.title(ImportDocument(path=str(tmp_path / "gone.zip"))) == "gone"


def test_a_manifest_that_is_nested_without_end_is_refused(tmp_path):
    nested = b"[" * 200_000 + b"]" * 200_000  # below the ratio of an archive bomb: see RATIO_FROM
    path = rebuilt(made(tmp_path / "one"), **{"manifest.json": nested})
    with pytest.raises(Invalid, match="is not JSON"):
        Archive(path)
    assert pipeline.title(ImportDocument(path=str(path))) == "rebuilt"
