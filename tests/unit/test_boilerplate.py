"""Passages that are left out of comparisons."""

import pytest

from jobctl.core.boilerplate import is_boilerplate

PROSE = "A package that is orphaned has no maintainer any more, and anybody may adopt it by changing the field in its next upload."
CONTENTS = "\n".join(f"{n} How to install the system on machine {n} .... {n}" for n in range(8))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "## 5.6.30.",
        "## A heading with many words that says what the section below is about and nothing else",
        CONTENTS,
        CONTENTS.replace("....", ""),
        "# Contents\n" + "\n".join(f"- how to do the thing called {'abcdefgh'[n]}" for n in range(6)),
        "## 1.2 Index\n" + "\n".join(f"- how to do the thing called {'abcdefgh'[n]}" for n in range(6)),
        "**Table of Contents**\n" + "\n".join(f"{n}. {w} and more of the words" for n, w in enumerate("abcdefg", 1)),
        "\n".join(f"- {n}\\. About part {n}\n* {n}.1. Its scope and its history" for n in range(1, 5)),
        "Copyright © 2020 by all the authors of this book, whose names are in the file of that name beside it.",
        f"{PROSE} All rights reserved. It comes without warranty of any kind. " * 3,
        "\n".join(f"[a page about machine {n} and its parts](https://example.org/machine/{n})" for n in range(9)),
        " and then also\n".join(f"https://example.org/machine/{n}/parts/of/it/in/detail" for n in range(9)),
        "| 1 | 2 |\n|---|---|\n" + "| 12 | 13 |\n" * 20,
    ],
)
def test_contents_licences_links_and_numbers_are(text):
    assert is_boilerplate(text)


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        f"# Licences\n\n{PROSE}",
        f"{PROSE} {PROSE} {PROSE} {PROSE} {PROSE} All rights reserved, it says there.",
        f"See [the manual](https://example.org/manual). {PROSE}",
        "| system | pages |\n|---|---|\n" + "| one that has many parts | 12 |\n" * 6,
    ],
)
def test_prose_is_not(text):
    assert not is_boilerplate(text)


def test_the_text_of_a_licence_is_and_a_text_about_one_is_not():
    assert is_boilerplate(PROSE, ["Appendix C GNU Free Documentation License", "Preamble"])
    assert not is_boilerplate(PROSE, ["How to choose a license", "The driving licence"])


def test_steps_are_not():
    assert not is_boilerplate("\n".join(f"{n}. Then press the key of the number {n} and wait." for n in range(1, 8)))
