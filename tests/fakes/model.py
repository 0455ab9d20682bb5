"""An OpenAI-compatible service on this machine: vectors from words, answers in the form that is asked for, and trouble."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "sk-canary-4242"
DIM = 32
GOOD = {
    "themes": ["Lighthouse", "harbour log"], "summary": "A keeper writes.", "importance": 0.5, "polarity": 0.25,
    "holds": True, "strength": 0.75, "reason": "Both say so.",
}  # fmt: skip


class FakeModel:
    """``trouble``: what the next answers are instead: (status, headers, body), ``drop``, or a function of the answer."""

    def __init__(self) -> None:
        self.trouble: list = []
        self.asked: list[tuple[str, dict]] = []
        self.says = dict(GOOD)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": self}))
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    @property
    def environment(self) -> dict[str, str]:
        return {"JOBCTL_MODEL_URL": self.url, "OPENAI_API_KEY": KEY, "JOBCTL_EMBEDDING_DIM": str(DIM)}


@contextmanager
def running() -> Iterator[FakeModel]:
    """A server on a port of its own."""
    fake = FakeModel()
    thread = threading.Thread(target=fake.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()
    thread.join()


class _Handler(BaseHTTPRequestHandler):
    fake: FakeModel

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.fake.asked.append((self.path, body))
        trouble = self.fake.trouble.pop(0) if self.fake.trouble else None
        if trouble == "drop":
            self.connection.close()
            return
        if isinstance(trouble, tuple):
            self._answer(*trouble)
            return
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            self._answer(401, {}, json.dumps({"error": {"code": "invalid_api_key", "message": f"no {KEY}"}}))
            return
        told = _vectors(body["input"]) if self.path.endswith("/embeddings") else _message(self.fake.says)
        self._answer(200, {}, json.dumps(trouble(told) if trouble else told))

    def _answer(self, status: int, headers: dict, text: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""


def _vectors(texts: list[str]) -> dict:
    rows = [{"index": n, "embedding": _vector(text)} for n, text in enumerate(texts)]
    return {"data": rows[::-1]}  # in no order that one may rely on


def _vector(text: str) -> list[float]:
    vector = [0.0] * DIM
    for word in text.lower().split():
        vector[hashlib.sha256(word.encode()).digest()[0] % DIM] += 1.0
    return vector


def _message(says: dict) -> dict:
    return {"choices": [{"message": {"content": json.dumps(says)}}]}
