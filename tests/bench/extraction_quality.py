"""Words and headings of a PDF against the EPUB of the same book, both through our own extraction and cleanup.

    python tests/bench/extraction_quality.py [CORPUS]

Prints word F1 (multiset), heading recall and precision (levels 1 to 4, by folded title), and the pages per CPU second
next to PDFium's plain text. Goals: 0.97, 0.85, 0.85.
"""

import re
import sys
import time
from collections import Counter
from pathlib import Path

import pypdfium2 as pdfium

from jobctl.core.document import CleanText
from jobctl.documents.clean import clean
from jobctl.testing.contracts import opened

BOOK = "developers-reference"


def read(path: Path) -> tuple[CleanText, int, float]:
    started = time.process_time()
    source = opened(path)
    text = clean(source.info, [source.part(i) for i in range(source.info.part_count)])
    source.close()
    return text, source.info.part_count, time.process_time() - started


def words(text: str) -> Counter[str]:
    plain = re.sub(r"\]\([^)]*\)|https?://\S+|[`*_#|\\>]", " ", text)
    return Counter(re.findall(r"[^\W_]+", plain.lower()))


def titles(text: CleanText) -> Counter[str]:
    folded = (re.sub(r"^(chapter )?[\d.]+", "", h.title.lower().strip()) for h in text.outline if h.level <= 4)
    return Counter(re.sub(r"[\W_]+", "", re.sub(r"\]\([^)]*\)", "", title)) for title in folded)


def plain_text(path: Path) -> tuple[int, float]:
    started = time.process_time()
    pdf = pdfium.PdfDocument(path)
    for page in pdf:
        page.get_textpage().get_text_range()
    return len(pdf), time.process_time() - started


def main() -> None:
    corpus = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[3] / "shared" / "corpus")
    pdf, epub = corpus / f"{BOOK}.pdf", corpus / f"{BOOK}.epub"
    if not pdf.exists():
        print(f"no corpus at {corpus}: nothing measured")
        return
    mine, pages, spent = read(pdf)
    truth, _, _ = read(epub)
    a, b = words(mine.markdown), words(truth.markdown)
    common = sum((a & b).values())
    precision, recall = common / sum(a.values()), common / sum(b.values())
    print(f"word F1            {2 * precision * recall / (precision + recall):.3f}   goal 0.970")
    h, t = titles(mine), titles(truth)
    found = sum((h & t).values())
    print(f"heading recall     {found / sum(t.values()):.3f}   goal 0.850")
    print(f"heading precision  {found / sum(h.values()):.3f}   goal 0.850")
    count, bare = plain_text(pdf)
    print(f"pages per CPU s    {pages / spent:.0f}   PDFium plain text {count / bare:.0f}   ratio {bare / spent:.2f}")
    if "-v" in sys.argv:
        print("missing headings:", list((t - h).elements())[:30])
        print("extra headings:", list((h - t).elements())[:30])
        print("missing words:", (b - a).most_common(40))
        print("extra words:", (a - b).most_common(40))


if __name__ == "__main__":
    main()
