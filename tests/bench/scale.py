"""Search and connections in a library of 50,000 passages: time, memory, and what the index finds of the exact best.

    python tests/bench/scale.py [PASSAGES]

The passages are made: words by Zipf's law, some hundred topics with words of their own; their vectors come from the
static table. Prints CPU seconds of the command, those of the server for the same work, and the largest process.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import numpy as np

from jobctl import wiring
from jobctl.core.document import Enrichment, Span, passage
from jobctl.documents.relate import JoinedIndex, Neighbourhoods, SemanticSimilarity, corpus
from jobctl.documents.relate.index import idf_of, packed_bags
from jobctl.postgres.library import Libraries

OF_A_DOCUMENT, NEW = 250, 500
WORDS, VOCABULARY, TOPICS = 160, 60_000, 400


def texts(dice: np.random.Generator, count: int, names: list[str]) -> list[str]:
    """Passages of one document: common words, and those of its topics."""
    found = []
    own = dice.integers(0, TOPICS, 6)
    for _ in range(count):
        common = np.minimum(dice.zipf(1.25, WORDS) - 1, VOCABULARY - 1)
        topic = int(dice.choice(own))
        special = 2000 + topic * 100 + np.minimum(dice.zipf(1.4, WORDS // 4) - 1, 99)
        words = [names[int(i)] for i in dice.permutation(np.concatenate([common, special]))]
        found.append(" ".join(words[i] + (". " if i % 14 == 13 else "") for i in range(len(words))))
    return found


def add(library, dice, number: int, count: int, names: list[str], embedder) -> int:
    made = texts(dice, count, names)
    spans = [Span(i, 3000 * i, 3000 * i + len(t), t, [f"Chapter {i // 20}"]) for i, t in enumerate(made)]
    rows = [passage(s, Enrichment([], "", 0.0, 0.0), v) for s, v in zip(spans, embedder.embed(made), strict=True)]
    fields = {
        "uid": str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))), "title": f"Book {number}", "source_type": "text",
        "markdown_key": "k", "markdown_sha256": "s", "engine": embedder.id, "language": "en",
    }  # fmt: skip
    return library.save(fields, rows)


def server_seconds(folder: Path) -> float:
    """CPU seconds of all processes of the server that this folder has."""
    used = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if "postgres" in stat.read_text().split(")")[0] and str(folder) in str(stat.with_name("cwd").readlink()):
                fields = stat.read_text().rsplit(")", 1)[1].split()
                used += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            continue
    return used


def measured(words: list[str], home: Path) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and megabytes of a command."""
    code = (
        "import json, resource, subprocess, sys, time\nt = time.monotonic()\n"
        "done = subprocess.run([sys.executable, '-m', 'jobctl', *sys.argv[1:]], capture_output=True, text=True)\n"
        "u = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "assert done.returncode == 0, done.stderr + done.stdout\n"
        "print(json.dumps([time.monotonic() - t, u.ru_utime + u.ru_stime, u.ru_maxrss / 1024]))"
    )
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JOBCTL_", "PG", "DATABASE_URL"))}
    done = subprocess.run(
        [sys.executable, "-c", code, *words], check=True, capture_output=True, text=True,
        env={**kept, "JOBCTL_HOME": str(home)}, cwd=home,
    )  # fmt: skip
    return tuple(json.loads(done.stdout))


def recall(index, engine: str, document: int, count: int = 60) -> tuple[float, int]:
    """What part of the exact best five of some passages of a document the candidates have."""
    ids, _ = index.comparable(engine, None)
    mine = set(index.comparable(engine, [document])[0])
    asked = sorted(mine)[:: max(1, len(mine) // count)]
    held = index.compared(engine, ids)
    whole = JoinedIndex(
        corpus([p.id for p in held], [p.document_id for p in held], [p.text for p in held], [p.vector for p in held]),
        packed_bags([p.terms for p in held]), idf_of(index.frequencies(), index.size().passages),
    )  # fmt: skip
    near, found, total = Neighbourhoods(index, engine), 0, 0
    for start in range(0, len(asked), 25):
        part = asked[start : start + 25]
        around = set(near.around(part).corpus.ids)
        place = {number: i for i, number in enumerate(whole.corpus.ids)}
        for edge in SemanticSimilarity().connect(whole, [place[i] for i in part], threshold=0.0, per_chunk=5):
            total += 1
            found += whole.corpus.ids[edge.target] in around
    return found / max(1, total), total


def main() -> None:
    passages = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    dice = np.random.default_rng(7)
    letters = random.Random(7)
    names = ["".join(letters.choices("aeioubcdfgklmnprstvz", k=letters.randint(3, 9))) for _ in range(VOCABULARY)]
    embedder = wiring.plugin(wiring.settings({}, {"HOME": "/"}), {}, "embedder", "static")
    with tempfile.TemporaryDirectory(prefix="jobctl-bench-") as name:
        home = Path(name)
        home.chmod(0o755)
        cold = measured(["list"], home)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("JOBCTL_", "PG", "DATABASE_URL"))}
        database = wiring.Database(wiring.settings({}, {**kept, "JOBCTL_HOME": name}), lambda _: None)
        try:
            with database.connect() as connection:
                library = Libraries()(connection)
                started, before = time.process_time(), server_seconds(home)
                for number in range(passages // OF_A_DOCUMENT):
                    add(library, dice, number, OF_A_DOCUMENT, names, embedder)
                print(
                    f"{passages} passages added: {time.process_time() - started:.0f} CPU s, server {server_seconds(home) - before:.0f}",
                    flush=True,
                )
                connection.execute("VACUUM ANALYZE")
                started, before = time.process_time(), server_seconds(home)
                new = add(library, dice, 10**6, NEW, names, embedder)
                print(
                    f"a document of {NEW} added: {time.process_time() - started:.1f} CPU s, server {server_seconds(home) - before:.1f}"
                )
                sizes = connection.execute(
                    "SELECT c.relname, pg_size_pretty(pg_total_relation_size(c.oid)) FROM pg_class c WHERE relkind = 'r' AND "
                    "relnamespace = 'jobctl'::regnamespace AND (relname ~ '^search' OR relname = 'chunks')"
                ).fetchall()
                print(sizes)
                question = " ".join(names[i] for i in (3, 40, 700, 5000, 2105))
                cold = min(measured(["list"], home) for _ in range(4))
                found = min(measured(["search", question], home) for _ in range(4))
                print(
                    f"list {cold[0]:.2f} s; search {found[0]:.2f} s, beyond it {found[0] - cold[0]:.2f} s; {found[2]:.0f} MB",
                    flush=True,
                )
                before = server_seconds(home)
                wall, used, memory = measured(
                    ["submit", "detect_connections", "--set", f"document_id={new}", "--run"], home
                )
                print(
                    f"detect_connections of {NEW}: {used:.1f} CPU s, server {server_seconds(home) - before:.1f}, {wall:.1f} s, {memory:.0f} MB",
                    flush=True,
                )
                share, pairs = recall(library.index, embedder.id, new)
                print(f"recall of the exact best five: {share:.3f} of {pairs}")
        finally:
            subprocess.run(
                [sys.executable, "-m", "jobctl", "db", "stop", "--force"], check=False, capture_output=True,
                env={**kept, "JOBCTL_HOME": name},
            )  # fmt: skip


if __name__ == "__main__":
    main()
