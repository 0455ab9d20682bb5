"""The "My Clippings.txt" of a Kindle: languages, edits, notes, bookmarks."""

from datetime import UTC, datetime

import pytest

from jobctl.documents.readwise import Highlight, read

ENGLISH = """\
\ufeffThe Keeper (Ann Writer)
- Your Highlight on page 12 | Location 170-172 | Added on Monday, April 10, 2023 9:41:07 PM

The lamp burns from dusk to dawn.
==========
\ufeffThe Keeper (Ann Writer)
- Your Note on page 12 | Location 172 | Added on Monday, April 10, 2023 9:42:00 PM

ask about the oil
.lamps
==========
The Keeper (Ann Writer)
- Your Bookmark on page 13 | Location 180 | Added on Monday, April 10, 2023 9:50:00 PM


==========
"""

FACTS = {
    "en": "- Your Highlight on page 12 | Location 170-172 | Added on Monday, April 10, 2023 9:41:07 PM",
    "en, at noon": "- Your Highlight on Location 170-172 | Added on Monday, April 10, 2023 12:41:07 AM",
    "en, of Britain": "- Your Highlight on page 12 | location 170-172 | Added on Monday, 10 April 2023 21:41:07",
    "en, old": "- Highlight on Page 12 | Loc. 170-72  | Added on Monday, April 10, 2023, 09:41 PM",
    "de": "- Ihre Markierung auf Seite 12 | bei Position 170-172 | Hinzugefügt am Montag, 10. April 2023 21:41:07",
    "fr": "- Votre surlignement sur la page 12 | Emplacement 170-172 | Ajouté le lundi 10 avril 2023 21:41:07",
    "es": "- Tu subrayado en la página 12 | posición 170-172 | Añadido el lunes, 10 de abril de 2023 21:41:07",
    "it": "- La tua evidenziazione a pagina 12 | posizione 170-172 | Aggiunto in data lunedì 10 aprile 2023 21:41:07",
    "pt": "- Seu destaque na página 12 | posição 170-172 | Adicionado: segunda-feira, 10 de abril de 2023 21:41:07",
    "nl": "- Je markering op pagina 12 | Locatie 170-172 | Toegevoegd op maandag 10 april 2023 21:41:07",
    "ru": "- Ваш выделенный отрывок на странице 12 | Место 170–172 | Добавлено: понедельник, 10 апреля 2023 г. в 21:41:07",
    "zh": "- 您在第 12 页（位置 #170-172）的标注 | 添加于 2023年4月10日星期一 下午9:41:07",
    "ja": "- 12ページ|位置No. 170-172のハイライト |作成日: 2023年4月10日月曜日 21:41:07",
}  # fmt: skip
NOTES = {
    "en": "Your Note on", "de": "Ihre Notiz bei", "fr": "Votre note sur", "es": "Tu nota en", "it": "La tua nota a",
    "pt": "Sua nota na", "nl": "Je notitie op", "ru": "Ваша заметка на", "zh": "您的笔记", "ja": "メモ",
}  # fmt: skip


def entry(text: str, location: str, kind: str = "Your Highlight on", heading: str = "B (A)") -> str:
    return (
        f"{heading}\n- {kind} Location {location} | Added on Monday, April 10, 2023 9:41:07 PM\n\n{text}\n==========\n"
    )


def only(text: str) -> list[Highlight]:
    (book,) = read(text.encode())
    return book.highlights


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_highlight_has_its_note_its_tags_its_position_and_its_time(ending, encoding):
    (book,) = read(ENGLISH.replace("\n", ending).encode(encoding))
    assert (book.title, book.author) == ("The Keeper", "Ann Writer")
    (found,) = book.highlights
    assert (found.text, found.note, found.tags) == (
        "The lamp burns from dusk to dawn.",
        "ask about the oil",
        ["lamps"],
    )
    assert (found.location, found.highlighted_at) == (170, datetime(2023, 4, 10, 21, 41, 7, tzinfo=UTC))


@pytest.mark.parametrize("language", FACTS)
def test_the_line_of_facts_is_read_in_every_language(language):
    (found,) = only(f"B (A)\n{FACTS[language]}\n\nwords of it\n==========\n")
    hour, second = (0, 7) if "noon" in language else (21, 0 if "old" in language else 7)
    assert found.location == 170
    assert found.highlighted_at == datetime(2023, 4, 10, hour, 41, second, tzinfo=UTC)
    assert found.note is None


@pytest.mark.parametrize("language", NOTES)
def test_a_note_is_known_in_every_language(language):
    (found,) = only(entry("words of it", "170-172") + entry("my note", "172", NOTES[language]))
    assert (found.text, found.note) == ("words of it", "my note")


def test_of_an_edited_highlight_or_note_the_last_one_counts():
    longer = entry("The lamp burns.", "170-171") + entry("The lamp burns from dusk to dawn.", "170-172")
    notes = entry("first", "171", "Your Note on") + entry("second", "171", "Your Note on")
    (found,) = only(longer + notes)
    assert (found.text, found.note) == ("The lamp burns from dusk to dawn.", "second")
    (shorter,) = only(entry("The lamp burns from dusk to dawn.", "170-172") + entry("from dusk to dawn.", "171-172"))
    assert shorter.text == "from dusk to dawn."


def test_highlights_that_only_lie_beside_each_other_stay():
    found = only(entry("One sentence.", "170-170") + entry("Another one.", "170-171") + entry("One sentence.", "900"))
    assert [one.text for one in found] == ["One sentence.", "Another one."]  # the same words are one highlight
    found = only(entry("One sentence.", "170") + entry("—", "170"))
    assert [one.text for one in found] == ["One sentence.", "—"]


def test_a_note_without_a_highlight_is_not_dropped():
    found = only(entry("words of it", "170-172") + entry("a thought", "500", "Your Note on"))
    assert [(one.text, one.note) for one in found] == [("words of it", None), ("a thought", None)]


@pytest.mark.parametrize(
    ("heading", "title", "author"),
    [
        ("The Keeper", "The Keeper", None),
        ("The Keeper (Light, 2) (Writer, Ann)", "The Keeper (Light, 2)", "Writer, Ann"),
        ("The Keeper (Ann (Writer))", "The Keeper", "Ann (Writer)"),
        ("The Keeper (", "The Keeper (", None),
        ("The Keeper) (Ann", "The Keeper) (Ann", None),
        ("(Ann)", "(Ann)", None),
        (")", ")", None),
    ],
)
def test_the_author_is_in_the_last_parentheses(heading, title, author):
    (book,) = read(entry("words", "1", heading=heading).encode())
    assert (book.title, book.author) == (title, author)


def test_a_line_without_a_date_or_a_position_has_none():
    (found,) = only("B\n- Your Highlight\n\nwords\n==========\n")
    assert (found.location, found.highlighted_at) == (None, None)
    (other,) = only(
        "B\n- Your Highlight on Location 5 | Added on Monday, Foo 99, 2023 9:41:07 PM\n\nwords\n==========\n"
    )
    assert (other.location, other.highlighted_at) == (5, None)
