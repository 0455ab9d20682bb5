"""process_document as a job next to a bare loop of the same engines, in one process each, on the same book.

    python tests/bench/pipeline.py [BOOK.pdf]

Both are measured in CPU seconds without imports: the loop calls extract, clean, chunk, enrich and embed; the job does the
same through stages, checkpoints (written, fsynced) and the library on an embedded server.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from jobctl import wiring
from jobctl.client import Client, Options
from jobctl.documents.chunk import chunk
from jobctl.documents.clean import clean
from jobctl.documents.embed import StaticEmbedder
from jobctl.documents.enrich import Enricher
from jobctl.documents.extract import open_source
from jobctl.postgres import migrate
from jobctl.postgres.connect import connect
from jobctl.postgres.embedded import Server
from jobctl.postgres.library import Libraries
from jobctl.postgres.queue import Lane, Queue
from jobctl.worker.attempt import Attempt
from jobctl.worker.child import Requests
from jobctl.worker.context import Tools


def loop(path: Path, embedder: StaticEmbedder) -> float:
    started = time.process_time()
    source = open_source(path)
    text = clean(source.info, [source.part(i) for i in range(source.info.part_count)])
    source.close()
    texts = [span.text for span in chunk(text)]
    enricher = Enricher(texts)
    for index in range(len(texts)):
        enricher.enrich(index)
    embedder.embed(texts)
    return time.process_time() - started


def main() -> None:
    default = Path(__file__).parents[3] / "shared" / "corpus" / "developers-reference.pdf"
    book = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    if not book.exists():
        book = Path(__file__).parents[1] / "data" / "project-history.en.pdf"
    embedder = StaticEmbedder()
    loop(book, embedder)
    bare = sorted(loop(book, embedder) for _ in range(5))[2]
    with tempfile.TemporaryDirectory(prefix="jobctl-bench-") as home:
        Path(home).chmod(0o755)
        server = Server(Path(home) / "server", say=lambda _: None, environment=os.environ)
        url = server.ensure()
        migrate.upgrade(url)
        held = wiring.settings({}, {"JOBCTL_HOME": home, "HOME": home})
        queue, libraries = Queue(lambda: connect(url)), Libraries()
        tools = Tools(
            storage=wiring.storage(held), library=libraries, reader=lambda: libraries(queue.connection), load=wiring.pipeline,
            request=wiring.request, workspace=Path(home), input_roots=(), settings=held.values,
            plugin=lambda kind, name: embedder,
        )  # fmt: skip
        client = Client(queue, storage=lambda: wiring.storage(held), load=wiring.pipeline)
        times, walls = [], []
        for _ in range(5):
            queue.connection.execute("TRUNCATE jobctl.documents CASCADE")
            client.submit(
                "process_document", {"path": str(book), "force": True, "detect_connections": False}, Options()
            )
            job = queue.claim(0, [Lane("default", "process_document", 2)], 1)[0]
            cpu, wall = time.process_time(), time.perf_counter()
            outcome = Attempt(job, tools, queue, Requests(), tell=lambda _: None, log=lambda *_: None).run()
            times.append(time.process_time() - cpu)
            walls.append(time.perf_counter() - wall)
            queue.settle([outcome] if outcome else [])
        queue.close()
        server.stop(force=True)
    source = open_source(book)
    pages = source.info.part_count
    job_time = sorted(times)[2]
    print(f"bare loop  {bare:.2f} CPU s   {pages / bare:.0f} pages/s")
    print(
        f"as a job   {job_time:.2f} CPU s   {pages / job_time:.0f} pages/s   ratio {bare / job_time:.2f}   wall {sorted(walls)[2]:.2f} s"
    )


if __name__ == "__main__":
    main()
