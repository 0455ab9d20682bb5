"""Placing 500 damaged highlights and 50 nonsense ones in a book of up to 700 kB made of real ones.

    python tests/bench/highlights.py

Damage: exact, typography, recognition noise, 25 characters left out, all but the first and last words left out ("…"). Goals: 98 % placed, at their place; no nonsense; under
a second, folding included.
"""

import random
import sys
import time
from pathlib import Path

from jobctl.documents.clean import clean
from jobctl.documents.match import FoldedText
from jobctl.testing.contracts import opened

SIZE = 700_000


def text_of(path: Path) -> str:
    source = opened(path)
    text = clean(source.info, [source.part(i) for i in range(source.info.part_count)]).markdown
    source.close()
    return text


def damaged(dice: random.Random, text: str, kind: int) -> str:
    if kind == 0:
        return text
    if kind == 1:
        return text.replace("'", "\u2019").replace("-", "\u2013").replace(" ", "\n ", 3).upper()
    if kind == 2:
        held = list(text)
        for _ in range(max(1, len(held) // 40)):
            held[dice.randrange(len(held))] = dice.choice("abcdefghijklm1")
        return "".join(held)
    if kind == 3:
        words = text.split()
        return f"{' '.join(words[1:8])} … {' '.join(words[-8:-1])}"
    hole = dice.randrange(20, len(text) - 45)
    return text[:hole] + text[hole + 25 :]


def main() -> None:
    corpus = Path(__file__).parents[3] / "shared" / "corpus"
    folder = corpus if corpus.is_dir() else Path(__file__).parents[1] / "data"
    once = ("developers-reference.epub", "project-history.en.epub", "R-intro.docx", "graphviz-Agraph.pdf")
    book = "\n\n".join(text_of(folder / name) for name in once if (folder / name).exists())[:SIZE]
    dice = random.Random(1)
    wanted = []
    while len(wanted) < 500:
        start = dice.randrange(len(book) - 400)
        piece = book[start : start + dice.randrange(120, 320)]
        if book.count(piece[:60]) == 1 and sum(c.isalnum() for c in piece) > 80:
            wanted.append((start, damaged(dice, piece, len(wanted) % 5)))
    words = book.split()
    nonsense = [" ".join(dice.choice(words) for _ in range(25)) for _ in range(50)]
    started = time.process_time()
    folded = FoldedText(book)
    found = [folded.locate(text) for _, text in wanted]
    spent = time.process_time() - started
    kinds = ("exact", "typography", "noise", "two ends", "25 left out")
    for kind, name in enumerate(kinds):
        mine = [(f, start) for i, (f, (start, _)) in enumerate(zip(found, wanted, strict=True)) if i % 5 == kind]
        right = sum(f.outcome == "placed" and abs(f.start - start) < 60 for f, start in mine)
        print(
            f"{name:12} {right} of {len(mine)} placed where they belong, {sum(f.outcome == 'review' for f, _ in mine)} before a person"
        )
    right = sum(f.outcome == "placed" and abs(f.start - s) < 60 for f, (s, _) in zip(found, wanted, strict=True))
    print(f"all          {right / 5:.1f} %   {spent:.2f} CPU s for folding {len(book):,} characters and placing 500")
    print(f"nonsense     {sum(folded.locate(text).outcome == 'placed' for text in nonsense)} of 50 placed")


if __name__ == "__main__":
    sys.exit(main())
