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
    other = read(f"{CSV}text,C,A,,,,1\n".encode())
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
    assert [(h.origin, len(h.text), h.tags, h.deleted) for h in book.highlights] == [
        ("5", 8191, ["t"], False),
        ("6", 4, [], True),
    ]


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


def books_page(first: int, cursor: str | None) -> bytes:
    marks = [
        {"id": n, "text": f"The keeper of the light writes line {n} of his log", "location": n}
        for n in range(first, first + 3)
    ]
    book = {"title": "The Log", "author": None, "highlights": marks}
    return json.dumps({"results": [book], "nextPageCursor": cursor}).encode()


def test_an_import_from_the_api_goes_on_where_it_was_throttled_and_asks_for_no_page_twice(service, shell):
    answers, asked, base = service
    (shell.home / "log.md").write_text(
        "# The Log\n\n" + "\n\n".join(f"The keeper of the light writes line {n} of his log." for n in range(1, 20))
    )
    assert shell("submit", "log.md", "--run").code == 0
    shell.env |= {"JOBCTL_READWISE_URL": base, "READWISE_TOKEN": "canary-4711"}
    answers += [
        (200, {}, books_page(1, "two")), (429, {"Retry-After": "0.3"}, b""), (200, {}, books_page(4, "three")), (503, {"Retry-After": "0"}, b""),
        (0, {}, b""), (200, {}, books_page(7, None)),
    ]  # fmt: skip
    shell.start("worker", "run", "-c1", "--poll", "0.1")
    done = shell("submit", "readwise_import", "--wait", "--timeout", "50s")
    assert done.code == 0, done.err
    told = json.loads(shell("show", done.out.strip(), "--json", "--result", "--events").out)
    assert (told["output"]["highlights"], told["output"]["placed"], told["output"]["failed"]) == (9, 9, 0)
    assert told["retry_count"] == 2
    cursors = [line.split()[0].partition("pageCursor=")[2] for line in asked]
    assert cursors == ["", "two", "two", "three", "three", "three"]
    again = shell("submit", "readwise_import", "--wait", "--timeout", "50s")
    assert again.code == 0
    assert json.loads(shell("show", again.out.strip(), "--json", "--result").out)["output"]["known"] == 3
    assert "canary" not in json.dumps(told) + done.err + shell("logs", done.out.strip()).out


@pytest.mark.parametrize(("code", "kind"), [(401, "permanent"), (402, "paywall")])
def test_an_expired_token_and_a_used_up_quota_wait_for_a_person(service, shell, code, kind):
    answers, _, base = service
    shell.env |= {"JOBCTL_READWISE_URL": base, "READWISE_TOKEN": "canary-4711"}
    answers.append((code, {}, b""))
    assert shell("submit", "readwise_import", "--run").code == 10
    told = json.loads(shell("show", "1", "--json").out)
    assert (told["error"]["type"], told["next_retry_at"]) == (kind, None)
    assert shell("submit", "readwise_import", "--set", "token_variable=AWS_SECRET_ACCESS_KEY").code == 2
