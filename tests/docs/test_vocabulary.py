"""One word a thing, the field's own: no private dialect in names, comments, messages and pages."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = (
    "hire", "hired", "dismiss", "bury", "crew", "crews", "hungry", "bunch", "stray", "strays", "rehearse", "rehearsal",
    "patience", "patiently", "mend", "mended", "mends", "staircase", "workshop", "unhold", "Ticker", "Standing",
    "spread_of", "lanes", "Lane",
)  # fmt: skip
"""Identifiers and words that have a standard one: spawn, remove, child pool, orphaned, dry run, retry, fix, claim target."""
PHRASES = (
    r"\bthe spec\b(?!ific)", r"\bthe plan\b(?! or quota)", r"\b(?:cli|quality|lifecycle|vocabulary|job-types)\.md\b",
    r"\bnobody (?:works|knows|waits|reads|sees)\b", r"\bwent away\b", r"\bis no (?:job|event|error|file|text|folder)\b",
    r"\bgave up:", r"\bno time is\b", r"\btried again by itself\b", r"\bbefore others\b", r"\bwhat people read\b",
    r"\bnobody but\b", r"\bput (?:down|to rest)\b", r"\b1 jobs\b", r"\b1 times\b", r"\bwould be: job\b", r"\blately:",
    r"\bworks? (?:it|jobs|that) off\b", r"\bfront door\b",
)  # fmt: skip
"""Sentences that a reader has to translate, and pages that an outsider does not have."""
GIVES = r'"""Gives\b'
SUFFIXES = {".py", ".sql", ".md", ".toml", ".in", ".bash", ".fish", ".1", ".yml", ".yaml", ".sh"}
EXCEPT = {
    "tests/docs/test_vocabulary.py": "names the words",
    "jobctl/documents/enrich/lexicon.py": "English words of other people's documents",
}


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    names = [name for name in done.stdout.splitlines() if not name.startswith("tests/data/")]
    return [name for name in names if Path(name).suffix in SUFFIXES and name not in EXCEPT]


def found(pattern: str, flags: int = re.IGNORECASE) -> list[str]:
    expression = re.compile(pattern, flags)
    hits = []
    for name in tracked():
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1):
            if expression.search(line):
                hits.append(f"{name}:{number}: {line.strip()[:120]}")
    return hits


def test_no_private_word_is_used():
    words = "|".join(NAMES)
    assert found(rf"(?<![A-Za-z])(?:{words})(?![a-z])", 0) == []


def test_no_sentence_needs_translation_and_no_page_is_cited_that_an_outsider_does_not_have():
    assert found("|".join(PHRASES)) == []


def test_docstrings_return_and_do_not_give():
    assert found(GIVES, 0) == []
