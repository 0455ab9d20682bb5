"""Readwise in all its forms, and a service that pages, throttles, refuses and falls silent."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jobctl.core.errors import Invalid, Paywall, Permanent, Transient
from jobctl.documents.readwise import Api, near, read

CSV = "Highlight,Book Title,Book Author,Note,Color,Tags,Location\n"


def test_a_csv_is_read_by_its_columns_whatever_their_order_and_encoding():
    data = 'Book Title,Location,Highlight\nCafé,7,"Two\nlines, ""quoted"""\nCafé,,=HYPERLINK("x")\n'.encode("cp1252")
    (book,) = read(data)
    assert book.title == "Café"
    assert [h.text for h in book.highlights] == ['Two\nlines, "quoted"', '=HYPERLINK("x")']
    assert [h.location for h in book.highlights] == [7.0, None]


def test_the_same_line_has_the_same_id_and_another_another():
    one, two = read(f"{CSV}text,B,A,,,,1\n".encode()), read(f"{CSV}text,B,A,new note,,,1\n".encode())
    other = read(f"{CSV}text,B,A,,,,2\n".encode())
    assert one[0].highlights[0].id == two[0].highlights[0].id != other[0].highlights[0].id


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"), (b"a,b\n1,2\n", "no column 'highlight' and no column 'book title'"), (b"{", "JSON can't be read"),
        (b'{"x": 1}', "no results"), (b'{"results": [{"highlights": []}]}', "lacks 'title'"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_one_is_refused_with_a_sentence(data, says):
    with pytest.raises(Invalid, match=says):
        read(data)


def test_the_json_of_the_api_takes_unknown_fields_as_they_come():
    told = {"results": [{"title": "T", "author": None, "new": 1, "highlights": [
        {"id": 5, "text": "x" * 8191, "tags": [{"id": 1, "name": "t"}], "location": 3, "is_new": True},
        {"id": 6, "text": "gone", "is_deleted": True}]}]}  # fmt: skip
    (book,) = read(json.dumps(told).encode())
    assert [(h.id, len(h.text), h.tags) for h in book.highlights] == [("5", 8191, ["t"])]


def test_locations_have_no_unit_but_an_order():
    book = read((CSV + "".join(f"text {n},B,A,,,,{n}\n" for n in (100, 200, 300))).encode())[0]
    assert [near(book, h) for h in book.highlights] == [0.0, 0.5, 1.0]


@pytest.fixture
def service():
    """A local stand-in: answers are taken from a list, the last one again and again."""
    answers: list[tuple[int, dict[str, str], bytes]] = []
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers['Authorization']}")
            code, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
            if code == 0:  # the connection drops
                self.connection.close()
                return
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield answers, asked, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def page(cursor: str | None) -> bytes:
    return json.dumps({"results": [], "nextPageCursor": cursor}).encode()


def test_pages_are_followed_by_their_cursor(service):
    answers, asked, base = service
    answers += [(200, {}, page("abc")), (200, {}, page(None))]
    api = Api("secret", base=base)
    _, cursor = api.page(None, "2026-01-01T00:00:00")
    assert cursor == "abc"
    assert api.page(cursor)[1] is None
    api.close()
    assert "updatedAfter=2026-01-01" in asked[0]
    assert "pageCursor=abc" in asked[1]
    assert asked[0].endswith("Token secret")


@pytest.mark.parametrize(
    ("code", "headers", "body", "error", "delay"),
    [
        (429, {"Retry-After": "17"}, b"", Transient, 17.0), (503, {}, b"", Transient, None), (401, {}, b"", Permanent, None),
        (402, {}, b"", Paywall, None), (400, {}, b"", Invalid, None), (200, {}, b"<html>", Transient, None),
        (0, {}, b"", Transient, None),
    ],
)  # fmt: skip
def test_trouble_becomes_its_class_and_never_tells_the_token(service, code, headers, body, error, delay):
    answers, _, base = service
    answers.append((code, headers, body))
    api = Api("canary-4711", base=base, timeout=5)
    with pytest.raises(error) as raised:
        api.page(None)
    api.close()
    assert getattr(raised.value, "retry_in", None) == delay
    assert "canary" not in f"{raised.value} {raised.value.hint} {raised.value.__cause__}"
