"""What the pages for contributors name is there."""

import re
from pathlib import Path

from jobctl.postgres.roles import GRANTS

ROOT = Path(__file__).parents[2]
PAGES = ("CONTRIBUTING.md", "SECURITY.md", "docs/GLOSSARY.md")


def test_every_path_and_link_of_the_pages_leads_somewhere():
    for page in PAGES:
        text = (ROOT / page).read_text()
        for target in re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", text):
            assert (ROOT / page).parent.joinpath(target).exists(), (page, target)
        for path in re.findall(r"`((?:jobctl|tests|docs|migrations|completions|\.ci)/[\w./]+)`", text):
            assert (ROOT / path).exists(), (page, path)


def test_every_name_in_the_code_that_contributing_gives_is_there():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for name, file in (
        ("MAY", "tests/postgres/test_roles.py"), ("CHECKED", "jobctl/postgres/checked.py"), ("FIXED", "jobctl/postgres/roles.py"),
        ("jobctl.fits", "migrations/versions/0004_trust.py"), ("completions", "Makefile"), ("test-servers", "Makefile"),
    ):  # fmt: skip
        assert name in text
        assert name in (ROOT / file).read_text(), name


def test_the_trust_model_names_every_role():
    text = (ROOT / "SECURITY.md").read_text().lower()
    for kind in GRANTS:
        assert f"**a {kind}**" in text, kind


def test_the_glossary_is_in_order_and_explains_each_word_once():
    words = re.findall(r"^\*\*(.+?)\*\*:", (ROOT / "docs" / "GLOSSARY.md").read_text(), re.MULTILINE)
    assert words == sorted(set(words), key=str.lower)
    assert len(words) > 30
