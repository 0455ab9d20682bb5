"""Links of a stored text: only harmless schemes stay links."""

import pytest

from jobctl.core.links import SAFE_SCHEMES, neutralised, neutralised_prose, unsafe


@pytest.mark.parametrize(
    "target", ["", "page.html", "#top", "/a/b", "12:30", *(f"{s}:x" for s in sorted(SAFE_SCHEMES))]
)
def test_a_target_without_a_scheme_or_with_a_known_one_is_safe(target):
    assert not unsafe(target)
    assert not unsafe(target.upper())


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)", "JavaScript:x", "java\tscript:x", "java\nscript:x", "\u200bjavascript:x",
        "javascript&colon;x", "&#106;avascript:x", "javascript\\:x", "file:///etc/passwd", "data:text/html,x", "vbscript:x",
    ],
)  # fmt: skip
def test_another_scheme_is_unsafe_however_it_is_written(target):
    assert unsafe(target)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("[a](javascript:x)", "[a]\\(javascript:x)"),
        ("![a](<file:///x>)", "![a]\\(\\<file:///x>)"),
        ("[a]( <file:x> )", "[a]\\( \\<file:x> )"),
        ("see <file:///x>", "see \\<file:///x>"),
        ("[a]: data:text/html,x", "\\[a]: data:text/html,x"),
        ('<a href="javascript:x">', '<a data-href="javascript:x">'),
        ("[a]: <file:///x>", "[a]: \\<file:///x>"),
        ("[a](javascript&colon;x)", "[a]\\(javascript&colon;x)"),
    ],
)
def test_a_link_with_an_unsafe_scheme_is_stored_as_text(text, stored):
    assert neutralised(text) == (stored, 1)


@pytest.mark.parametrize(
    "text", ["plain", "at 12:30 & later", "[a](https://b.c)", "<mailto:a@b.c>", '<a href="http://x">']
)
def test_text_and_harmless_links_stay_as_they_are(text):
    assert neutralised(text) == (text, 0)


@pytest.mark.parametrize("end", ["", "\n"])
def test_fenced_code_keeps_its_links(end):
    link = "[a](file:x)"
    text = f"{link}\n```\n{link}\n```\nmore {link}{end}"
    assert neutralised_prose(text) == (f"[a]\\(file:x)\n```\n{link}\n```\nmore [a]\\(file:x){end}", 2)


@pytest.mark.parametrize("text", ["", "\n", "a", "a\n\n", "```\nx", "```\n[a](file:x)\n```", "a\n~~~\nb\n~~~\n\nc\n"])
def test_a_text_without_unsafe_links_outside_code_is_given_back_whole(text):
    assert neutralised_prose(text) == (text, 0)
