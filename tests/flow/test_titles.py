"""Display names of jobs that are about documents of the library."""

import os

import pytest

from jobctl.client import Options
from tests.flow.hands import Hands


@pytest.fixture
def hands(conn, database_url, tmp_path):
    held = Hands(database_url, tmp_path)
    yield held
    held.close()


def name(hands: Hands, job_type: str, **data) -> str:
    return hands.client.get(hands.submit(job_type, data)).display_name


def library(hands: Hands, *titles: str) -> None:
    for title in titles:
        (hands.home / f"{len(title)}.md").write_text(f"# {title}\n\nSome words about {title}.\n")
        hands.run("process_document", path=str(hands.home / f"{len(title)}.md"), detect_connections=False)


def test_jobs_about_a_document_have_its_title(hands):
    library(hands, "My Document")
    assert name(hands, "reprocess_connections", document_id=1, mode="smart") == "Connections: My Document (Smart Mode)"
    assert name(hands, "detect_connections", document_id=1) == "Detecting: My Document"
    assert name(hands, "reprocess_connections", mode="all") == "Connections: all documents (Reprocess All)"
    assert name(hands, "detect_connections", document_id=7) == "Detecting: document 7"
    mine = hands.client.submit("detect_connections", {"document_id": 1}, Options(title="mine"))
    assert hands.client.get(mine.id).display_name == "Detecting: mine"


def test_an_export_of_all_and_an_import_say_what_is_in_them(hands):
    library(hands, "Oppose Book Worship", "On Practice")
    for number, ids in (("one", [1]), ("both", [])):
        hands.run("export_documents", path=str(hands.home / f"{number}.zip"), document_ids=ids)
    assert name(hands, "export_documents", include_connections=True) == "Export: 2 documents (with connections)"
    assert name(hands, "import_document", path=str(hands.home / "one.zip")) == (
        "Import: Oppose Book Worship (with embeddings)"
    )
    assert name(hands, "import_document", path=str(hands.home / "both.zip"), with_embeddings=False) == (
        "Import: 2 documents"
    )
    (hands.home / "damaged.zip").write_bytes((hands.home / "one.zip").read_bytes()[:90])
    assert name(hands, "import_document", path=str(hands.home / "damaged.zip"), with_embeddings=False) == (
        "Import: damaged"
    )


def test_the_title_of_an_import_never_waits_for_a_fifo(hands):
    os.mkfifo(hands.home / "fifo.zip")
    with pytest.raises(Exception, match="fifo"):
        hands.submit("import_document", {"path": str(hands.home / "fifo.zip")})
