"""Kinds of Markdown and plain text: titles, properties, encodings, cuts, links."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobctl.core.account import Account, LossKind
from jobctl.core.errors import Invalid
from jobctl.core.links import neutralised, neutralised_prose, unsafe
from jobctl.documents.clean import outline
from jobctl.documents.extract.encoding import decoded
from jobctl.documents.extract.properties import properties
from jobctl.documents.extract.text import PART_SIZE, cut
from tests.documents.reading import CASES, case, read

SENTENCES = {
    "pl": ("Zażółć gęślą jaźń, powiedział stary żeglarz.", ["iso-8859-2", "cp1250", "cp852"]),
    "ru": ("Старый маяк в море не гаснет.", ["koi8-r", "cp1251", "iso-8859-5", "cp866", "mac-cyrillic"]),
    "ja": ("灯台は未明も沈黙に火をともした。", ["shift_jis", "euc_jp", "iso2022_jp"]),
    "de": ("Die Straße über die Brücke nach Köln.", ["cp1252", "cp850", "iso-8859-15", "mac-roman"]),
    "fr": ("Le phare était éclairé à l'aube, ça va.", ["cp1252", "cp850", "mac-roman"]),
    "cs": ("Příliš žluťoučký kůň úpěl ďábelské ódy.", ["iso-8859-2", "cp1250", "cp852"]),
    "hu": ("Árvíztűrő tükörfúrógép a kikötőben.", ["iso-8859-2", "cp1250"]),
    "el": ("Ο φάρος ανάβει κάθε βράδυ.", ["iso-8859-7", "cp1253"]),
    "tr": ("Fener her akşam güneşle birlikte yanıyor.", ["cp1254", "iso-8859-9"]),
    "he": ("המגדלור דולק כל ערב בים.", ["cp1255", "iso-8859-8"]),
    "ar": ("المنارة تضيء كل مساء.", ["cp1256"]),
    "zh": ("灯塔每天晚上点亮,看守人写下天气。", ["gb18030", "gb2312"]),
    "zh-tw": ("燈塔每天晚上點亮，看守人寫下天氣。", ["big5"]),
    "ko": ("등대는 매일 저녁 불을 밝힌다.", ["euc_kr", "cp949"]),
    "uk": ("Старий маяк світить щовечора, її вогні гаснуть.", ["koi8-u", "cp1251"]),
    "bg": ("Съвременен български език и литература, том първи.", ["cp1251", "iso-8859-5", "cp866"]),
    "es": ("Mañana por la mañana, ¿qué harás? El niño soñó con el océano.", ["cp1252", "cp850", "mac-roman"]),
    "pt": ("São Paulo não é a capital; a nação está em Brasília.", ["cp1252", "cp850"]),
    "sv": ("Räksmörgås på färjan över Östersjön.", ["cp1252", "cp850", "mac-roman"]),
    "nb": ("Blåbærsyltetøy på brødskive er godt, sa kjæresten.", ["cp1252", "iso-8859-1", "cp850"]),
    "ro": ("Ţară frumoasă, oraşul este mare şi vechi.", ["iso-8859-2", "cp1250"]),
    "lv": ("Rīgā līst lietus, viņš dzīvo šeit.", ["cp1257"]),
    "is": ("Þetta er íslenska, og það er fallegt mál.", ["cp1252"]),
    "lt": ("Švyturys šviečia kiekvieną vakarą, sakė sargas ąžuolyne.", ["cp1257", "iso-8859-13"]),
}


@pytest.mark.parametrize(("language", "encoding"), [(lang, e) for lang, (_, all_) in SENTENCES.items() for e in all_])
def test_a_short_text_in_an_old_encoding_is_read_rightly_or_refused_with_a_guess(language, encoding):
    text = SENTENCES[language][0]
    if (language, encoding) == ("de", "mac-roman"):  # as likely as another one
        with pytest.raises(Invalid, match=r"not certain: cp852 or mac-?roman"):
            decoded(text.encode(encoding), "a.txt")
        return
    found = decoded(text.encode(encoding), "a.txt")
    assert found.text == text
    assert found.encoding is not None
    assert 0.5 < (found.certainty or 0) <= 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("charset-iso-8859-2.txt", "Zażółć gęślą jaźń"), ("charset-koi8-r.txt", "Корабль вышел в море"),
        ("charset-shift_jis.txt", "灯台守は毎晩ランプに"),
    ],
)  # fmt: skip
def test_the_encoding_and_its_certainty_are_in_the_account(name, text):
    result = case(name)
    assert text in result.text.markdown
    assert result.account.encoding
    assert any("encoding guessed as" in sentence for sentence in result.account.notes() + result.account.warnings())


def test_bytes_that_make_no_sense_in_any_encoding_are_refused():
    with pytest.raises(Invalid, match="not UTF-8"):
        decoded(bytes(range(128, 256)) * 3, "a.txt")


@pytest.mark.parametrize(("first", "size"), [(128, 16), (128, 24), (160, 20), (192, 24), (192, 40)])
def test_bytes_without_a_language_are_refused_or_read_with_a_warning(first, size):
    draw = random.Random(size)
    read = 0
    for _ in range(20):
        data = bytes(draw.randrange(first, 256) if draw.random() < 0.85 else 32 for _ in range(size))
        try:
            found = decoded(data, "a.txt")
        except Invalid:
            continue
        read += 1
        warnings = Account(encoding=found.encoding, certainty=found.certainty).warnings()
        assert any("encoding guessed as" in sentence for sentence in warnings), (data, found)
    assert read < 20


def test_a_guess_by_one_character_is_a_warning():
    found = decoded("The café is open until nine.".encode("cp1252"), "a.txt")
    assert found.text == "The café is open until nine."
    assert Account(encoding=found.encoding, certainty=found.certainty).warnings()


def test_a_page_in_a_likely_encoding_is_no_warning():
    text, _ = SENTENCES["ru"]
    found = decoded(f"{text}\n".encode("cp1251") * 20, "a.txt")
    assert not Account(encoding=found.encoding, certainty=found.certainty).warnings()


def test_damage_in_utf8_is_not_another_encoding():
    found = decoded("Grüße über Köln. ".encode() * 20 + b"\xff" + b"weiter", "a.txt")
    assert (found.text.count("ü"), found.damaged, found.encoding) == (40, 1, None)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_wide_encodings_are_read_with_and_without_their_mark(encoding):
    assert decoded("# Title\n\nWords and Köln.\n".encode(encoding), "a.md").text == "# Title\n\nWords and Köln.\n"


def test_a_page_is_read_as_it_says_unless_it_is_utf8(tmp_path):
    for declared, real in (("iso-8859-2", "iso-8859-2"), ("iso-8859-1", "utf-8"), ("windows-1251", "cp1251")):
        page = tmp_path / "a.html"
        text = "Старый маяк" if real == "cp1251" else "żeglarz gęślą"
        page.write_bytes(f"<meta charset={declared}><p>{text}</p>".encode(real))
        assert read(page).text.markdown.strip() == text


# -- Markdown ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("md-fence-title.md", "The True Title"),
        ("md-frontmatter.md", "The Real Title"),
        ("md-setext.md", "The True Title"),
    ],
)
def test_the_title_of_a_markdown_text(name, title):
    result = case(name)
    assert result.title == title
    assert result.account.words_unaccounted == 0


def test_underlined_headings_are_headings_and_lines_in_code_or_lists_are_not(tmp_path):
    path = tmp_path / "a.md"
    path.write_text(
        "One\n===\n\nTwo\n---\n\ntext\nmore\n---\n\n- item\n---\n\n```\nThree\n===\n```\n\n---\n\nFour\r\n====\r\n"
    )
    assert read(path).headings == ["One", "Two", "Four"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("---\ntitle: 'It''s'\nauthor: Ann # who\n---\nx", {"title": "It's", "author": "Ann"}), ("---\ntitle: x\n", {}),
        ('+++\ntitle = "T"\n+++\nx', {"title": "T"}), ("---\nno property, a ruler\n---\nx", {}), ("text\n---\ntitle: x\n---\n", {}),
        ("---\r\ntitle: T\r\n---\r\nx", {"title": "T"}), ("---\n---\n", {}), ("---\ntags:\n  - a\n  - b\ntitle: T\n...\nx", {"tags": "", "title": "T"}),
    ],
)  # fmt: skip
def test_front_matter(text, found):
    names, start = properties(text)
    assert names == found
    assert text[start:].strip() == ("x" if found else text.strip())


def test_properties_are_kept_apart_and_accounted_for():
    result = case("md-frontmatter.md")
    assert result.text.markdown.startswith("First paragraph.")
    assert result.info.properties == {"title": "The Real Title", "author": "Ann Keeper", "tags": "[a, b]"}
    assert result.lost(LossKind.PROPERTIES) == 3


def test_a_title_is_one_line_without_runs_of_blanks(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("# The Light" + " " * 3000 + "of the North ##\n\ntext\n")
    assert read(path).headings == ["The Light of the North"]


@given(st.text(alphabet="ab \n", max_size=400).map(lambda t: t * 3000))
def test_a_cut_never_falls_into_a_word_and_parts_join_to_the_text(text):
    parts = cut(text)
    assert "".join(parts) == text
    for before, after in pairwise(parts):
        assert before[-1:] in " \n" or after[:1] in " \n" or not set(before[-PART_SIZE:]) & set(" \n")


def test_a_long_line_is_stored_as_it_is(tmp_path):
    path = tmp_path / "a.txt"
    text = " ".join(f"word{n:06}" for n in range(40_000))
    path.write_text(text)
    assert read(path).text.markdown == text + "\n"


# -- links -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd", "FILE:/x", "javascript:alert(1)", "java\tscript:x", "jav&#x61;script:x", "javascript&colon;x", " data:text/html,x",
        "vbscript:x", "smb://host/x", "obsidian://open", "c:/windows", "\x01javascript:x", "java\\script:x",
    ],
)  # fmt: skip
def test_a_target_with_another_scheme_is_unsafe(target):
    assert unsafe(target)
    for form in (f"[text]({target})", f"[text](<{target}>)", f'<a href="{target}">text</a>'):
        plain, count = neutralised(form)
        assert count >= 1, form
        assert "text" in plain


@pytest.mark.parametrize(
    "target", ["https://x.org/a:b", "mailto:a@b.org", "../notes/a.md", "#part:2", "a/b:c", "/x", ""]
)
def test_other_targets_are_links(target):
    assert not unsafe(target)
    assert neutralised(f"[text]({target})") == (f"[text]({target})", 0)


@given(st.text(alphabet=st.sampled_from("[](){}<>:`~\n\\ abfile/javscript&#;=\"'hr"), max_size=200))
def test_making_links_harmless_removes_nothing(text):
    assert neutralised_prose(text)[0].replace("\\", "").replace("data-", "") == text.replace("\\", "").replace(
        "data-", ""
    )


def test_links_in_stored_text_are_harmless_but_code_stays(tmp_path):
    path = tmp_path / "a.md"
    path.write_text(
        "# T\n\n[a](file:///etc/passwd) <file:///x>\n\n[b]: javascript:x\n\n```\n[a](file:///etc/passwd)\n```\n"
    )
    result = read(path)
    assert result.text.markdown == (
        "# T\n\n[a]\\(file:///etc/passwd) \\<file:///x>\n\n\\[b]: javascript:x\n\n```\n[a](file:///etc/passwd)\n```\n"
    )
    assert result.lost(LossKind.LINK_TARGETS) == 3
    assert outline(result.text.markdown)[0].title == "T"


def test_the_cases_are_here():
    assert len(list(CASES.iterdir())) > 40
