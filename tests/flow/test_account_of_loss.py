"""What an extraction leaves out is in the result and in the logs; a strict job fails instead."""

import json
import shutil

import pytest

from tests.documents.reading import CASES
from tests.flow.hands import Hands


@pytest.fixture
def hands(conn, database_url, tmp_path):
    held = Hands(database_url, tmp_path)
    yield held
    held.close()


def test_the_account_is_part_of_the_result(hands):
    shutil.copy(CASES / "md-frontmatter.md", hands.home / "a.md")
    output = hands.run("process_document", path=str(hands.home / "a.md"))
    assert output["title"] == "The Real Title"
    account = output["account"]
    assert account["losses"] == [{"kind": "properties", "count": 3, "words": 15, "locations": []}]
    assert account["words_seen"] == account["words_stored"] + account["words_left_out"]
    row = hands.conn.execute("SELECT title, frontmatter FROM documents").fetchone()
    assert row == ("The Real Title", {"title": "The Real Title", "author": "Ann Keeper", "tags": "[a, b]"})
    assert hands.run("process_document", path=str(hands.home / "a.md"))["account"] is None


def test_pages_without_text_are_logged_and_fail_a_strict_job(shell):
    shutil.copy(CASES / "pdf-half-scanned.pdf", shell.home / "half.pdf")
    named = "5 pages without text: 2, 4, 6, 8, 10"
    assert shell("submit", "half.pdf", "--set", "strict=true", "--run").code == 10
    failed = json.loads(shell("show", "1", "--json").out)
    assert failed["error"]["type"] == "invalid"
    assert named in failed["error"]["message"]
    assert shell("submit", "half.pdf", "--run").code == 0
    assert named in shell("logs", "2").out
    (loss,) = json.loads(shell("show", "2", "--json", "--result").out)["output"]["account"]["losses"]
    assert (loss["kind"], loss["count"], loss["locations"][0]) == ("pages_without_text", 5, "page 2")
