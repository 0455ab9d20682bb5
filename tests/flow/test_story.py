"""The whole story of a library: processed, connected, judged, exported, imported, synced, reprocessed; nothing human is lost."""

import csv
import json
from pathlib import Path

import psycopg
import pytest

from tests.conftest import DATA, Shell, new_database
from tests.documents.make import docx

TOPICS = {
    "harbour": "The harbour master counts the ships and writes their names into the long book of the harbour.",
    "garden": "In the garden the keeper grows beans and cabbages between stones against the salt of the wind.",
    "engine": "An engine of brass turns the lamp when the weights are wound up every evening by the keeper.",
}


def books(folder: Path) -> None:
    """Ten documents in five formats and two languages."""
    folder.mkdir()
    for name in ("lighthouse.md", "project-history.en.pdf", "project-history.en.epub", "project-history.ja.pdf"):
        (folder / name).write_bytes((DATA / name).read_bytes())
    for topic, sentence in TOPICS.items():
        text = "\n\n".join(f"{sentence} This is paragraph {n} on the {topic}." for n in range(12))
        (folder / f"{topic}.md").write_text(f"# The {topic} log\n\n{text}\n")
        (folder / f"{topic}.html").write_text(f"<html><body><h1>About the {topic}</h1><p>{sentence}</p></body></html>")
    docx(folder / "letter.docx", [("Heading1", "A letter"), ("Normal", TOPICS["harbour"] + " So it was written.")])
    (folder / "engine.html").unlink()


def run(shell: Shell, *words: object) -> dict:
    done = shell("submit", *words, "--run", wait=120)
    assert done.code == 0, done.err
    return json.loads(shell("show", done.out.split()[0], "--json", "--result").out)["output"]


def judged(shell: Shell) -> set[tuple]:
    """What a person said of connections, by the documents at both ends."""
    rows = json.loads(shell("connections", "-n", "5000", "--json").out)["connections"]
    human = [r for r in rows if r["judged"] or r["note"]]
    return {(r["source_document"], r["target_document"], r["judged"], r["note"]) for r in human}


def offsets_are_true(conn: psycopg.Connection, home: Path) -> int:
    rows = conn.execute(
        "SELECT d.markdown_key, c.text, c.start_offset, c.end_offset FROM jobctl.chunks c JOIN jobctl.documents d ON d.id = c.document_id"
    ).fetchall()
    for key, text, start, end in rows:
        assert (home / "storage" / key).read_bytes().decode()[start:end] == text
    return len(rows)


@pytest.fixture
def elsewhere(server_url, tmp_path_factory):
    """Another library, empty, on the same server."""
    with new_database(server_url) as url:
        other = Shell(tmp_path_factory.mktemp("elsewhere"), url)
        yield other, url
        other.close()


@pytest.mark.timeout(300)
def test_a_library_keeps_what_people_did_through_everything(shell, conn, elsewhere, tmp_path):
    other, other_url = elsewhere
    home = shell.home
    books(home / "books")
    assert shell("submit", "books", "--run", wait=200).code == 0
    documents = {name: i for i, name in conn.execute("SELECT id, source_name FROM documents")}
    assert len(documents) == 10
    assert offsets_are_true(conn, home) > 100

    # judged at the shell
    rows = json.loads(shell("connections", "-n", "5000", "--json").out)["connections"]
    starred, rejected = rows[0]["id"], rows[-1]["id"]
    assert shell("connections", "--star", "--id", starred, "--note", "compare these").code == 0
    assert shell("connections", "--reject", "--id", rejected).code == 0
    said = judged(shell)
    assert len(said) == 2

    # highlights from Readwise: placed, before a person, waiting for a book that comes later
    passage = conn.execute(
        "SELECT text FROM chunks WHERE document_id = %s AND index = 1", [documents["lighthouse.md"]]
    ).fetchone()[0]
    with (home / "readwise.csv").open("w", newline="") as sink:
        writer = csv.writer(sink)
        writer.writerow(["Highlight", "Book Title", "Book Author", "Note", "Color", "Tags", "Location"])
        writer.writerow([passage[10:160], "Keeper of Skerry Light", "", "how true", "blue", "light", "3"])
        writer.writerow([TOPICS["garden"], "The garden log", "", "", "", "", "1"])
        writer.writerow(
            ["A late book has these words, which no one knows before it comes.", "The Late Book", "", "", "", "", "1"]
        )
    first = run(shell, "readwise_import", "--set", "path=readwise.csv")
    assert (first["placed"], first["review"], first["waiting"]) == (1, 1, 1)
    again = run(shell, "readwise_import", "--set", "path=readwise.csv")
    assert (again["placed"], again["known"], again["highlights"]) == (0, 1, 3)
    (asked,) = json.loads(shell("review", "--json").out)["reviews"]
    assert shell("review", "--accept", asked["id"]).code == 0
    (home / "late.md").write_text(
        "# The late book\n\nA late book has these words, which no one knows before it comes. And more.\n"
    )
    assert shell("submit", "late.md", "--run").code == 0
    notes = dict(conn.execute("SELECT origin_id, text FROM annotations").fetchall())
    assert len(notes) == 3

    # to another library and back out, byte for byte
    whole = ["--set", "include_connections=true", "--set", "include_annotations=true"]
    out = run(shell, "export_documents", "--set", "path=one.zip", *whole)
    assert out["counts"]["annotations"] == 3
    (other.home / "one.zip").write_bytes((home / "one.zip").read_bytes())
    taken = run(other, "import_document", "--set", "path=one.zip")
    assert taken["documents"] == {"added": 11}
    run(other, "export_documents", "--set", "path=two.zip", *whole)
    assert (other.home / "two.zip").read_bytes() == (home / "one.zip").read_bytes()
    assert run(other, "import_document", "--set", "path=one.zip", "--set", "mode=skip")["documents"] == {"skipped": 11}
    for mode in ("replace", "merge_smart"):
        run(other, "import_document", "--set", "path=one.zip", "--set", f"mode={mode}")
        run(other, "export_documents", "--set", f"path={mode}.zip", *whole)
        assert (other.home / f"{mode}.zip").read_bytes() == (home / "one.zip").read_bytes(), mode
    with psycopg.connect(other_url) as there:
        assert offsets_are_true(there, other.home) > 100

    # to a vault, edited there, synced back
    vault = home / "vault"
    (vault / ".obsidian").mkdir(parents=True)
    assert run(shell, "obsidian_export", "--set", "vault=vault")["written"] == 11
    before = {path: path.read_bytes() for path in vault.rglob("*.md")}
    assert run(shell, "obsidian_export", "--set", "vault=vault")["unchanged"] == 11
    assert run(shell, "obsidian_sync", "--set", "vault=vault")["counts"] == {"unchanged": 11}
    assert {path: path.read_bytes() for path in vault.rglob("*.md")} == before
    note = vault / "The Keeper of Skerry Light.md"
    note.write_text("My own preface.\n".join(note.read_text().replace("The tower", "The high tower").split("%% jobctl:begin", 1)).replace(
        "My own preface.\n", "%% jobctl:begin", 1))  # fmt: skip
    note.rename(vault / "Renamed by me.md")
    report = run(shell, "obsidian_sync", "--set", "vault=vault")
    assert report["counts"] == {"taken": 1, "unchanged": 10}, report
    assert "high tower" in shell("search", "the high tower").out
    assert len(conn.execute("SELECT FROM annotations WHERE start_offset IS NOT NULL").fetchall()) == 3

    # edited on both sides: the library's text beside, the vault's taken, nothing lost
    note = vault / "The harbour log.md"
    note.write_text(note.read_text().replace("paragraph 3", "paragraph three of the vault"))
    harbour = conn.execute("SELECT markdown_key FROM documents WHERE id = %s", [documents["harbour.md"]]).fetchone()[0]
    text = (home / "storage" / harbour).read_text()
    (home / "books" / "harbour.md").write_text(text)
    conn.execute(
        "UPDATE vault_sync SET library_hash = repeat('0', 64) WHERE document_id = %s", [documents["harbour.md"]]
    )
    report = run(shell, "obsidian_sync", "--set", "vault=vault")
    assert report["counts"]["conflict"] == 1, report
    (copy,) = vault.glob("*(conflict *).md")
    assert "paragraph 3 " in copy.read_text()
    assert conn.execute("SELECT count(*) FROM chunks WHERE text LIKE '%three of the vault%'").fetchone() == (1,)
    assert run(shell, "obsidian_sync", "--set", "vault=vault")["counts"] == {"unchanged": 11}

    # a deleted note is a tombstone until somebody confirms it
    gone = next(path for path in vault.glob("About*.md"))
    gone.unlink()
    report = run(shell, "obsidian_sync", "--set", "vault=vault")
    assert report["counts"]["missing"] == 1
    missing = report["attention"][0]["document_id"]
    assert (
        run(
            shell,
            "obsidian_sync",
            "--set",
            "vault=vault",
            "--payload",
            json.dumps({"vault": "vault", "forget": [missing]}),
        )["counts"]["forgotten"]
        == 1
    )
    assert conn.execute("SELECT count(*) FROM documents").fetchone() == (11,)

    # found anew in all three modes, and cut anew: every decision is still there, every offset still true
    for mode in ("smart", "all", "add_new"):
        assert run(shell, "reprocess_connections", "--set", f"mode={mode}")["mode"] == mode
        assert judged(shell) == said
    for name in ("lighthouse.md", "project-history.en.epub", "project-history.en.pdf"):
        run(shell, "process_document", "--set", f"path=books/{name}", "--set", "force=true", "--set", "chunk_size=700")
    assert judged(shell) == said
    assert dict(conn.execute("SELECT origin_id, text FROM annotations").fetchall()) == notes
    assert offsets_are_true(conn, home) > 100
