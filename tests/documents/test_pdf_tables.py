"""Tables of a PDF become tables of the Markdown; text that merely stands in columns does not."""

import pytest

from jobctl.documents.clean import clean
from jobctl.documents.extract.pdf_regions import MOST_RULES, regions
from jobctl.documents.extract.pdf_tables import tables
from jobctl.documents.extract.pdf_words import Rule, Word, merged
from jobctl.testing.contracts import opened
from tests.documents import make
from tests.documents.reading import CASES, DATA

SIZE = 10.0
HEAD = ["Ship", "Tonnage", "Cargo"]
BODY = [["Aurora", "12,400", "timber and ore"], ["Bellona", "8,120", "copper"], ["Calypso", "950", "wine"]]
AT = (72.0, 200.0, 300.0, 440.0)
"""Left edges of the columns, and the right edge of the table."""
PROSE = "The keeper climbed the stair each night and lit the lamp before the fog came in from the sea"


def words(x: float, y: float, text: str) -> list[Word]:
    found = []
    for word in text.split():
        found.append(Word(word, x, x + 5.0 * len(word), y, SIZE))
        x = found[-1].right + 2.8
    return found


def rows(cells: list[list[str]], *, top: float = 700.0, pitch: float = 16.0) -> list[Word]:
    return [
        word
        for number, row in enumerate(cells)
        for x, text in zip(AT, row, strict=False)
        for word in words(x + 3, top - pitch * number, text)
    ]


def lines(*positions: float, left: float = AT[0], right: float = AT[-1]) -> list[Rule]:
    return [Rule(y, left, right) for y in positions]


def found(text: list[Word], across: list[Rule], down: list[Rule] | None = None) -> list[list[list[str]]]:
    return [table.rows for table in tables(text, list(regions(merged(across), merged(down or []))))]


TABLE = [HEAD, *BODY]


def test_a_grid_of_rules_is_a_table():
    grid = lines(712, 696, 680, 664, 648)
    down = [Rule(x, 648, 712) for x in AT]
    assert found(rows(TABLE), grid, down) == [TABLE]


def test_lines_between_two_rules_of_a_grid_are_one_row():
    text = [*rows([HEAD]), *rows([["Aurora", "12,400", "timber"], ["", "", "and ore"]], top=680, pitch=11)]
    text += rows([["Bellona", "8,120", "copper"], ["Calypso", "950", "wine"]], top=653, pitch=16)
    grid, down = lines(712, 692, 665, 648, 632), [Rule(x, 632, 712) for x in AT]
    assert found(text, grid, down) == [TABLE]


def test_rules_above_and_below_and_under_the_head_are_enough():
    assert found(rows(TABLE), lines(712, 696, 648)) == [TABLE]


def test_a_head_above_the_first_rule_belongs_to_the_table():
    assert found(rows(TABLE), lines(696, 680, 664, 648)) == [TABLE]


def test_a_wrapped_cell_continues_its_row():
    text = [*rows([HEAD]), *rows([["Aurora", "12,400", "timber"], ["", "", "and ore"]], top=680, pitch=11)]
    text += rows(BODY[1:], top=649, pitch=20)
    assert found(text, lines(712, 696, 620)) == [TABLE]


def test_rows_of_numbers_are_a_table_without_rules():
    cells = [
        ["Month", "High", "Low"],
        ["January", "4.21", "0.85"],
        ["February", "4.56", "0.71"],
        ["March", "4.90", "0.62"],
    ]
    assert found([*words(72, 740, PROSE), *rows(cells)], []) == [cells]


@pytest.mark.parametrize(
    ("text", "across"),
    [
        ([w for n in range(12) for w in words(72, 700 - 14 * n, PROSE)], lines(720, 520, right=540)),
        ([w for n in range(12) for x in (72, 300) for w in words(x, 700 - 14 * n, PROSE[:42])], lines(720, 520, right=520)),
        (rows([["1", "Introduction", "3"], ["2", "Objects", "3"], ["3", "Graphs", "9"], ["4", "Nodes", "12"]]), lines(712, 640)),
        (rows([[f"Item {n} . . . . . . .", str(n), "x"] for n in range(5)]), lines(712, 630)),
        (rows([["Aurora"], ["Bellona"], ["Calypso"]]), lines(712, 660)),
    ],
    ids=["prose", "columns", "contents", "leaders", "list"],
)  # fmt: skip
def test_what_only_stands_between_rules_is_no_table(text, across):
    assert found(text, across) == []


def test_a_page_of_very_many_rules_is_a_drawing():
    grid = [Rule(700.0 - 5 * n, 0, 500) for n in range(MOST_RULES + 1)]
    assert list(regions(grid, [])) == []


def test_the_work_grows_with_the_page():
    """Twice the rows: at most about twice the comparisons, counted by the words that are looked at."""
    looked = 0

    class Counted(Word):
        __slots__ = ()

        def __getattribute__(self, name: str) -> object:
            nonlocal looked
            looked += 1
            return super().__getattribute__(name)

    def work(count: int) -> int:
        nonlocal looked
        text = [Counted(w.text, w.left, w.right, w.baseline, w.size) for w in rows(BODY * count, top=16.0 * 3 * count)]
        looked = 0
        tables(text, [])
        return looked

    assert work(400) < 2.6 * work(200)


# -- whole documents ---------------------------------------------------------------------------------------------------


def drawn(path, *, ruled: bool) -> str:
    """The Markdown of a page with a paragraph, a table and another paragraph."""
    at = [
        (PROSE, 72, 740),
        *((text, x + 3, 700 - 16 * n) for n, row in enumerate(TABLE) for x, text in zip(AT, row, strict=False)),
    ]
    at.append((PROSE, 72, 600))
    rules = [(AT[0], y, AT[-1] - AT[0], 0.5) for y in (712, 696, 648)]
    if ruled:
        rules += [(x, 648, 0.5, 64) for x in AT] + [(AT[0], y, AT[-1] - AT[0], 0.5) for y in (680, 664)]
    source = opened(make.page(path, at, rules))
    text = clean(source.info, [source.part(0)])
    source.close()
    assert text.account.words_unaccounted == 0
    return text.markdown


@pytest.mark.parametrize("ruled", [True, False])
def test_a_table_stands_in_the_markdown_between_its_paragraphs(tmp_path, ruled):
    assert drawn(tmp_path / "table.pdf", ruled=ruled) == (
        f"{PROSE}\n\n| Ship | Tonnage | Cargo |\n| --- | --- | --- |\n| Aurora | 12,400 | timber and ore |\n"
        f"| Bellona | 8,120 | copper |\n| Calypso | 950 | wine |\n\n{PROSE}\n"
    )


def test_documents_without_tables_have_none():
    for path in [*sorted(CASES.glob("*.pdf")), DATA / "project-history.ja.pdf"]:
        source = opened(path)
        for number in range(source.info.part_count):
            rows_found = [line.table for line in source.part(number).lines if line.table]
            assert not any(
                "." in cell and cell.strip(". ") == "" for table in rows_found for row in table for cell in row
            )
            assert path.parent != CASES or not rows_found
        source.close()
