"""Each of the eight types, killed and paused at every commit: result, library and files are those of an undisturbed run."""

import csv
import json
import shutil
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

import pytest

from jobctl.documents.vault import body_of, digest
from tests.conftest import ROOT
from tests.flow.hands import Fault, Hands, library

VARYING = ("started_at", "backup", "document_id")
TEXT = "The keeper of the light writes about the harbour and the ships that pass it in number {n} of his long log."
TABLES = ("documents", "chunks", "connections", "annotations", "import_review", "vault_sync")


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """The library that all begin with, prepared once: rows as COPY gives them, and the folder with its storage."""
    return {}


@pytest.fixture
def hands(conn, database_url, tmp_path, template, tmp_path_factory):
    held = Hands(database_url, tmp_path)
    if not template:
        template["home"] = tmp_path_factory.mktemp("template") / "home"
        prepare(held)
        shutil.copytree(tmp_path, template["home"])
        template["rows"] = {name: copied(conn, name) for name in TABLES}
    yield held
    held.close()


def copied(conn, name: str) -> bytes:
    with conn.cursor().copy(f"COPY {name} TO STDOUT (FORMAT binary)") as out:
        return b"".join(bytes(block) for block in out)


def restored(hands: Hands, template: dict) -> None:
    """Library and vault as they were prepared; paths of the vault follow the folder."""
    hands.conn.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
    for name in TABLES:
        with hands.conn.cursor().copy(f"COPY {name} FROM STDIN (FORMAT binary)") as into:
            into.write(template["rows"][name])
        if name != "vault_sync":
            hands.conn.execute(f"ALTER TABLE {name} ALTER id RESTART WITH 1000")
    hands.conn.execute("UPDATE vault_sync SET vault = %s", [str((hands.home / "vault").resolve())])
    shutil.rmtree(hands.home / "vault", ignore_errors=True)
    shutil.copytree(template["home"], hands.home, dirs_exist_ok=True)


def prepare(hands: Hands) -> None:
    """Two documents, connected and judged, with a highlight; their archive, their vault."""
    for name, first in (("one", 0), ("two", 5)):
        text = "\n\n".join(TEXT.format(n=n) for n in range(first, first + 12))
        (hands.home / f"{name}.md").write_text(f"# Log {name}\n\n{text}\n")
        hands.run("process_document", path=str(hands.home / f"{name}.md"), chunk_size=300)
    with (hands.home / "marks.csv").open("w", newline="") as sink:
        rows = [[TEXT.format(n=3), "Log one"], [TEXT.format(n=8), "Log two"], ["Not in any text that is here, and long enough.", "Log two"],
                ["Words of a book that is not here yet.", "Another Book"]]  # fmt: skip
        csv.writer(sink).writerows([["Highlight", "Title"], *rows])
    hands.run("detect_connections")
    hands.conn.execute(
        "UPDATE connections SET user_validated = true, note = 'so it is' WHERE id = (SELECT min(id) FROM connections)"
    )
    hands.run("readwise_import", path=str(hands.home / "marks.csv"))
    (hands.home / "vault").mkdir()
    hands.run("obsidian_export", vault=str(hands.home / "vault"))
    whole = {"include_connections": True, "include_annotations": True}
    hands.run("export_documents", path=str(hands.home / "library.zip"), **whole)


# -- what each type finds --------------------------------------------------------------------------------------------


def as_it_is(_hands: Hands) -> None:
    """The library as it was prepared."""


def without_connections(hands: Hands) -> None:
    hands.conn.execute("DELETE FROM connections WHERE user_validated IS NULL")


def empty(hands: Hands) -> None:
    hands.conn.execute("TRUNCATE documents CASCADE")


def without_notes(hands: Hands) -> None:
    hands.conn.execute("TRUNCATE vault_sync")
    shutil.rmtree(hands.home / "vault")
    (hands.home / "vault").mkdir()


def without_highlights(hands: Hands) -> None:
    hands.conn.execute("TRUNCATE annotations, import_review")


def changed_on_either_side(hands: Hands) -> None:
    """One note was edited in the vault; of the other the library has moved on."""
    edited, behind = hands.home / "vault" / "Log one.md", hands.home / "vault" / "Log two.md"
    edited.write_text(edited.read_text().replace("number 4 ", "number four "))
    behind.write_text(behind.read_text().replace("number 9 ", "number nine "))
    hands.conn.execute(
        "UPDATE vault_sync SET library_hash = %s WHERE note_path = 'Log two.md'", [digest(body_of(behind.read_text()))]
    )


TYPES: dict[str, tuple[dict[str, Any], Callable[[Hands], None]]] = {
    "process_document": ({"path": "one.md", "force": True, "chunk_size": 400}, as_it_is),
    "detect_connections": ({}, without_connections),
    "reprocess_connections": ({"mode": "all"}, without_connections),
    "export_documents": ({"include_connections": True, "include_annotations": True}, as_it_is),
    "import_document": ({"path": "library.zip", "mode": "replace"}, empty),
    "obsidian_export": ({"vault": "vault"}, without_notes),
    "obsidian_sync": ({"vault": "vault"}, changed_on_either_side),
    "readwise_import": ({"path": "marks.csv"}, without_highlights),
}
DOES = {
    "process_document": {"chunks": 4}, "import_document": {"documents": {"added": 2}}, "obsidian_export": {"written": 2, "unchanged": 0},
    "obsidian_sync": {"counts": {"taken": 1, "written": 1}}, "export_documents": {"documents": 2},
    "readwise_import": {"placed": 2, "failed": 1, "waiting": 1},
}  # fmt: skip


ELSEWHERE = {"command": "tests/flow/test_programs_stop.py"}
"""A type whose work is another program's → the file that kills and pauses that."""
BUILTIN = {e.name for e in entry_points(group="jobctl.pipelines") if e.value.startswith("jobctl.")}


def test_no_type_is_left_out():
    assert TYPES.keys() | ELSEWHERE.keys() == BUILTIN
    for file in ELSEWHERE.values():
        assert (ROOT / file).exists()


@pytest.mark.parametrize("job_type", TYPES)
def test_each_type_ends_the_same_however_often_it_is_killed_and_paused(hands, template, job_type):
    given, lay_out = TYPES[job_type]
    data = {name: str(hands.home / value) if name in ("path", "vault") else value for name, value in given.items()}

    def found(*faults: Fault) -> tuple[list, int]:
        restored(hands, template)
        lay_out(hands)
        job_id = hands.submit(job_type, data)
        hands.work(job_id, faults)
        output = {name: value for name, value in hands.output(job_id).items() if name not in VARYING}
        more = hands.conn.execute("SELECT job_type FROM jobs WHERE created_by = %s", [f"job:{job_id}"]).fetchall()
        shown = [json.dumps(output, sort_keys=True), more, *library(hands.conn, hands.home / "vault")]
        return shown, hands.commits(job_id)

    usual, commits = found()
    assert DOES.get(job_type, {}).items() <= json.loads(usual[0]).items()
    assert commits > 1
    for count in range(1, commits + 1):
        for fault in (Fault("kill", "before", count), Fault("kill", "after", count), Fault("pause", "before", count)):
            assert found(fault)[0] == usual, fault
