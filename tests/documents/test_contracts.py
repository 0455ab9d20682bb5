"""Our own plug-ins hold the contracts that others are asked to hold."""

from pathlib import Path

import pytest

from jobctl.documents.embed import LexicalEmbedder, StaticEmbedder
from jobctl.documents.extract.docx import DocxExtractor
from jobctl.documents.extract.epub import EpubExtractor
from jobctl.documents.extract.html import HtmlExtractor
from jobctl.documents.extract.pdf import PdfExtractor
from jobctl.documents.extract.text import TextExtractor
from jobctl.storage.local import LocalStorage
from jobctl.testing import contracts
from tests.documents.make import docx

DATA = Path(__file__).parents[1] / "data"


def test_the_local_storage_holds_the_contract(tmp_path):
    contracts.storage(LocalStorage(tmp_path / "storage"), workspace=tmp_path)


@pytest.mark.parametrize("engine", [StaticEmbedder, LexicalEmbedder])
def test_the_embedders_hold_the_contract(engine):
    contracts.embedder(engine())


def torn(path: Path, folder: Path) -> Path:
    """The first half of a file."""
    target = folder / f"torn{path.suffix}"
    target.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return target


def test_the_extractors_hold_the_contract(tmp_path):
    word = docx(tmp_path / "a.docx", [("Heading1", "Title"), (None, "Some words that stand below it.")])
    page = tmp_path / "a.html"
    page.write_text("<html><body><h1>Title</h1><p>Words and words.</p></body></html>")
    blank = tmp_path / "blank.html"
    blank.write_text("<html><body></body></html>")
    pdf, epub = DATA / "project-history.en.pdf", DATA / "project-history.en.epub"
    contracts.extractor(PdfExtractor(), pdf, [torn(epub, tmp_path).rename(tmp_path / "other.pdf")])
    contracts.extractor(EpubExtractor(), epub, [torn(epub, tmp_path)])
    contracts.extractor(DocxExtractor(), word, [torn(word, tmp_path)])
    contracts.extractor(HtmlExtractor(), page, [blank])
    contracts.extractor(TextExtractor(), DATA / "lighthouse.md", [])


def test_a_storage_that_forgets_or_an_embedder_that_looks_at_its_neighbours_is_caught(tmp_path):
    class Forgetful(LocalStorage):
        def delete(self, key: str) -> None:
            """Forgets to."""

    class Neighbourly(LexicalEmbedder):
        dim = 1

        def embed(self, texts):
            return [bytes([len(texts), 0, 0, 0]) for _ in texts]

    with pytest.raises(AssertionError, match="delete removes"):
        contracts.storage(Forgetful(tmp_path / "storage"), workspace=tmp_path)
    with pytest.raises(AssertionError, match="batch"):
        contracts.embedder(Neighbourly())
