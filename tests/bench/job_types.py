"""CPU time and memory of each job type, on a set of documents and on ten times as many.

    python tests/bench/job_types.py [FILE…]

Every document of the larger set has its own text: the paragraphs of one of the files in another order. CPU seconds are
those of the command, its supervisor and its children together, without the database; memory is that of the largest of
these processes. A ratio of 10 is linear; comparing grows with the square of the passages, and says so here.
"""

import csv
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from jobctl.documents.clean import clean
from jobctl.testing.contracts import opened

MEASURED = """
import json, resource, subprocess, sys
code = subprocess.run([sys.executable, "-m", "jobctl", *sys.argv[1:]], stdout=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""
TYPES = (
    ("process_document", ["*.md", "--set", "detect_connections=false"]),
    ("detect_connections", ["detect_connections"]),
    ("reprocess_connections", ["reprocess_connections", "--set", "mode=all"]),
    ("readwise_import", ["readwise_import", "--set", "path=marks.csv"]),
    ("obsidian_export", ["obsidian_export", "--set", "vault=vault"]),
    ("obsidian_sync", ["obsidian_sync", "--set", "vault=vault"]),
    ("export_documents", ["export_documents", "--set", "path=library.zip", "--set", "include_connections=true"]),
    ("import_document", ["import_document", "--set", "path=library.zip", "--set", "mode=replace"]),
)


def texts(paths: list[Path]) -> list[list[str]]:
    """The paragraphs of each file."""
    found = []
    for path in paths:
        source = opened(path)
        found.append(clean(source.info, [source.part(i) for i in range(source.info.part_count)]).markdown.split("\n\n"))
        source.close()
    return found


def lay_out(folder: Path, books: list[list[str]], times: int) -> int:
    """Documents, a vault folder and highlights; gives the size of the documents in bytes."""
    dice, size = random.Random(0), 0
    marks = [["Highlight", "Book Title"]]
    for number in range(times * len(books)):
        book = books[number % len(books)]
        paragraphs = dice.sample(book, len(book))
        text = f"# Book {number}\n\n" + "\n\n".join(paragraphs) + "\n"
        (folder / f"{number}.md").write_text(text)
        size += len(text.encode())
        marks += [[p[:200], f"Book {number}"] for p in dice.sample([p for p in paragraphs if len(p) > 80], 20)]
    (folder / "vault").mkdir()
    with (folder / "marks.csv").open("w", newline="") as sink:
        csv.writer(sink).writerows(marks)
    return size


def measure(folder: Path, words: list[str]) -> tuple[float, float]:
    """CPU seconds and megabytes of one command that works its job off."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JOBCTL_", "PG", "DATABASE_URL"))}
    given = [str(p) for p in sorted(folder.glob("*.md"))] if words[0] == "*.md" else words[:1]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, "submit", *given, *words[1:], "--run"], check=True, capture_output=True,
        text=True, cwd=folder, env={**kept, "JOBCTL_HOME": str(folder / "home")},
    )  # fmt: skip
    code, seconds, megabytes = json.loads(done.stdout)
    if code != 0:
        sys.exit(f"{words}: exit code {code}\n{done.stderr}")
    return seconds, megabytes


def run(books: list[list[str]], times: int) -> tuple[int, dict[str, tuple[float, float]]]:
    with tempfile.TemporaryDirectory(prefix="jobctl-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        size = lay_out(folder, books, times)
        subprocess.run(
            [sys.executable, "-m", "jobctl", "list"], check=True, capture_output=True,
            env={**os.environ, "JOBCTL_HOME": str(folder / "home")},
        )  # fmt: skip
        try:
            return size, {job_type: measure(folder, words) for job_type, words in TYPES}
        finally:
            stop = [sys.executable, "-m", "jobctl", "db", "stop", "--force"]
            subprocess.run(
                stop, env={**os.environ, "JOBCTL_HOME": str(folder / "home")}, check=False, capture_output=True
            )


def main() -> None:
    data = Path(__file__).parents[1] / "data"
    books = texts(
        [Path(word) for word in sys.argv[1:]] or [data / "project-history.en.epub", data / "project-history.en.pdf"]
    )
    (size, once), (larger, ten) = run(books, 1), run(books, 10)
    print(
        f"{len(books)} documents, {size / 1e6:.2f} MB of Markdown; {10 * len(books)} documents, {larger / 1e6:.2f} MB"
    )
    print("| type | CPU s | MB | CPU s, ten times | MB | ratio |\n|---|---|---|---|---|---|")
    for job_type, _ in TYPES:
        (cpu, memory), (cpu10, memory10) = once[job_type], ten[job_type]
        print(f"| {job_type} | {cpu:.1f} | {memory:.0f} | {cpu10:.1f} | {memory10:.0f} | {cpu10 / cpu:.1f} |")


if __name__ == "__main__":
    main()
