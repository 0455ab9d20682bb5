"""The same highlights from CSV and from JSON, with edits and deletions, against a real library."""

import pytest

from tests.documents.reading import CASES
from tests.flow.hands import Hands

SENTENCES = (
    "The lighthouse on the skerry is forty metres high and painted white. Its lamp burns from dusk to dawn and turns once in twelve seconds. Ships see it.",
    "The stairs have one hundred and ninety-six steps. The keeper counts them every evening, not because the number could change, but because a man must count.",
    "Every hour the keeper writes down the wind, the height of the waves and the ships that passed. When the lamp fails, he writes the minute at which it failed.",
)


@pytest.fixture
def hands(conn, database_url, tmp_path):
    held = Hands(database_url, tmp_path)
    for case in ("semicolon.csv", "export.json", "export2.json"):
        (held.home / case).write_bytes((CASES / case).read_bytes())
    yield held
    held.close()


def imported(hands: Hands, name: str) -> dict:
    output = hands.run("readwise_import", path=str(hands.home / name))
    return {
        kind: output[kind] for kind in ("placed", "waiting", "known", "updated", "deleted", "failed") if output[kind]
    }


def notes(hands: Hands) -> list:
    return hands.conn.execute("SELECT left(text, 10), note, tags FROM annotations ORDER BY start_offset").fetchall()


def test_csv_and_json_meet_and_edits_and_deletions_are_taken_over(hands):
    (hands.home / "book.md").write_text("# The Keeper of Skerry Light\n\n" + "\n\n".join(SENTENCES) + "\n")
    hands.run("process_document", path=str(hands.home / "book.md"))
    assert imported(hands, "semicolon.csv") == {"placed": 2}
    assert imported(hands, "semicolon.csv") == {"known": 2}
    assert imported(hands, "export.json") == {"known": 1, "updated": 2}  # colours went, a tag came
    assert imported(hands, "export2.json") == {"known": 1, "updated": 1, "deleted": 1}
    assert notes(hands) == [("The lighth", "EDITED NOTE", ["newtag"])]
    assert imported(hands, "export2.json") == {"known": 3}


def test_a_highlight_that_was_deleted_while_it_waited_for_its_book_is_not_placed(hands):
    assert imported(hands, "export.json") == {"waiting": 2, "known": 1}
    assert imported(hands, "export2.json") == {"waiting": 1, "known": 2}
    (hands.home / "book.md").write_text("# The Keeper of Skerry Light\n\n" + "\n\n".join(SENTENCES) + "\n")
    hands.run("process_document", path=str(hands.home / "book.md"))
    assert notes(hands) == [("The lighth", "EDITED NOTE", ["newtag"])]


CLIPPINGS = """\
The Keeper of Skerry Light (Ann)
- Your Highlight on page 1 | Location 10-14 | Added on Monday, April 10, 2023 9:41:07 PM

The lighthouse on the skerry is forty metres … dusk to dawn
==========
"""
ROW = 'Highlight,Book Title,Book Author,Highlighted at\n"The stairs have one hundred and ninety-six steps.",The Keeper of Skerry Light,Ann,{}\n'


def test_highlights_have_the_time_at_which_they_were_made(hands):
    (hands.home / "book.md").write_text("# The Keeper of Skerry Light\n\n" + "\n\n".join(SENTENCES) + "\n")
    hands.run("process_document", path=str(hands.home / "book.md"))
    (hands.home / "My Clippings.txt").write_text(CLIPPINGS)
    assert imported(hands, "My Clippings.txt") == {"placed": 1}
    (hands.home / "steps.csv").write_text(ROW.format(""))
    assert imported(hands, "steps.csv") == {"placed": 1}
    (hands.home / "steps.csv").write_text(ROW.format("2021-09-22 11:28:00+02:00"))
    assert imported(hands, "steps.csv") == {"updated": 1}
    assert imported(hands, "steps.csv") == {"known": 1}
    (hands.home / "steps.csv").write_text(ROW.format(""))
    assert imported(hands, "steps.csv") == {"known": 1}
    query = "SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), end_offset - start_offset > 60 FROM annotations ORDER BY start_offset"
    assert hands.conn.execute(query).fetchall() == [("2023-04-10 21:41", True), ("2021-09-22 09:28", False)]


def test_the_time_of_a_highlight_waits_with_it_for_its_document(hands):
    (hands.home / "My Clippings.txt").write_text(CLIPPINGS)
    assert imported(hands, "My Clippings.txt") == {"waiting": 1}
    (hands.home / "book.md").write_text("# The Keeper of Skerry Light\n\n" + "\n\n".join(SENTENCES) + "\n")
    hands.run("process_document", path=str(hands.home / "book.md"))
    assert hands.conn.execute("SELECT created_at::date::text FROM annotations").fetchall() == [("2023-04-10",)]
