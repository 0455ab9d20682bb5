"""A real HTTP server that receives notifications, and answers as the test wants."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[int] = []
        self.delay = 0.0
        self.received: list[tuple[dict, bytes]] = []

    @property
    def bodies(self) -> list[dict]:
        return [json.loads(body) for _, body in self.received]


@contextmanager
def receiving(*answers: int, delay: float = 0.0) -> Iterator[Receiver]:
    """Answers with these codes in turn, then with 204; each after ``delay`` seconds."""

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            held.received.append((dict(self.headers), body))
            code = held.answers.pop(0) if held.answers else 204
            time.sleep(held.delay)
            self.send_response(code)
            if code in (301, 302, 307):
                self.send_header("Location", f"{held.url}/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.daemon_threads = True
    held = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
    held.answers += answers
    held.delay = delay
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
