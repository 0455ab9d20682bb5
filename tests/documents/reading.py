"""Reads documents as process_document does."""

from pathlib import Path
from typing import NamedTuple

from jobctl.core.account import Account
from jobctl.core.document import CleanText, Part, SourceInfo
from jobctl.documents.clean import clean, title_of
from jobctl.testing.contracts import opened

DATA = Path(__file__).parents[1] / "data"
CASES = DATA / "cases"


class Result(NamedTuple):
    """What becomes of a file."""

    info: SourceInfo
    parts: list[Part]
    text: CleanText
    title: str

    @property
    def account(self) -> Account:
        return self.text.account

    @property
    def headings(self) -> list[str]:
        return [heading.title for heading in self.text.outline]

    def lost(self, kind: str) -> int:
        """How many things of a kind the account names."""
        return sum(loss.count for loss in self.account.losses if loss.kind == kind)


def read(path: Path) -> Result:
    """A file through its extractor and the cleanup."""
    source = opened(path)
    try:
        parts = [source.part(index) for index in range(source.info.part_count)]
        text = clean(source.info, parts)
        return Result(source.info, parts, text, title_of(source.info, parts, text.outline, path.name))
    finally:
        source.close()


def case(name: str) -> Result:
    """One of the small documents in tests/data/cases."""
    return read(CASES / name)
