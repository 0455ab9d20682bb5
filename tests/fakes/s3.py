"""Enough of S3 for our tests: buckets, objects in memory, uploads in parts, lists by pages, and trouble when a test asks for it."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

KEY_ID, SECRET = "test-key-id", "test-secret-canary"
PAGE = 3


class FakeS3:
    """``trouble``: what the next answers are instead: a status, ``drop`` (the line is cut) or ``late`` (done, then cut)."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.trouble: list[int | str] = []
        self.away: str | None = None  # all answers until it is None again: skewed, or cut
        self.requests: list[str] = []
        self.buckets = {"books"}
        self.key_id = KEY_ID  # whose requests are good
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": self}))
        self.server.daemon_threads = True

    @property
    def environment(self) -> dict[str, str]:
        """What boto3 reads."""
        return {
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{self.server.server_port}", "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip


@contextmanager
def running() -> Iterator[FakeS3]:
    """A server on a port of its own."""
    fake = FakeS3()
    thread = threading.Thread(target=fake.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()
    thread.join()


class _Handler(BaseHTTPRequestHandler):
    fake: FakeS3
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        url = urlsplit(self.path)
        _, bucket, key = [*unquote(url.path).split("/", 2), ""][:3]
        query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.fake.requests.append(f"{self.command} {key}")
        trouble = self.fake.trouble.pop(0) if self.fake.trouble else None
        if self.fake.away == "skewed":
            self._answer(403, _error("RequestTimeTooSkewed"))
            return
        if self.fake.away == "cut":
            trouble = "drop"
        if trouble == "drop":
            self.close_connection = True
            return
        if isinstance(trouble, int):
            self._answer(trouble, _error("SlowDown" if trouble == 503 else "Trouble"))
            return
        status, body, headers = self._do(bucket, key, query, data)
        if trouble == "late":
            self.close_connection = True
            return
        self._answer(status, body, headers)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815 - the base class's names

    def _do(self, bucket: str, key: str, query: dict, data: bytes) -> tuple[int, bytes, dict]:
        objects, uploads = self.fake.objects, self.fake.uploads
        if f"Credential={self.fake.key_id}/" not in self.headers.get("Authorization", ""):
            return 403, _error("InvalidAccessKeyId"), {}
        if self.command == "GET" and not bucket:
            held = "".join(f"<Bucket><Name>{name}</Name></Bucket>" for name in sorted(self.fake.buckets))
            return 200, _xml(f"<ListAllMyBucketsResult><Buckets>{held}</Buckets></ListAllMyBucketsResult>"), {}
        if self.command == "PUT" and not key:
            self.fake.buckets.add(bucket)
            return 200, b"", {}
        if bucket not in self.fake.buckets:
            return 404, _error("NoSuchBucket"), {}
        said = self.headers.get("x-amz-content-sha256", "")
        if data and len(said) == 64 and said != hashlib.sha256(data).hexdigest():
            return 400, _error("XAmzContentSHA256Mismatch"), {}
        match self.command:
            case "POST" if "uploads" in query:
                name = f"upload-{len(uploads)}"
                uploads[name] = {}
                return (
                    200,
                    _xml(f"<InitiateMultipartUploadResult><UploadId>{name}</UploadId></InitiateMultipartUploadResult>"),
                    {},
                )
            case "POST" if "delete" in query:
                for name in re.findall(r"<Key>(.*?)</Key>", data.decode()):
                    objects.pop(unescape(name), None)
                return 200, _xml("<DeleteResult></DeleteResult>"), {}
            case "POST":
                parts = uploads.pop(query["uploadId"])
                objects[key] = b"".join(parts[number] for number in sorted(parts))
                return 200, _xml("<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>"), {}
            case "PUT" if "uploadId" in query:
                uploads[query["uploadId"]][int(query["partNumber"])] = data
                return 200, b"", {"ETag": f'"{query["partNumber"]}"'}
            case "PUT":
                objects[key] = data
                return 200, b"", {"ETag": '"e"'}
            case "DELETE":
                objects.pop(key, None)
                return 204, b"", {}
            case "GET" if "list-type" in query:
                return 200, self._list(query), {}
        if key not in objects:
            return 404, _error("NoSuchKey"), {}
        body, headers = objects[key], {"ETag": '"e"', "Last-Modified": "Tue, 24 Nov 2026 00:00:00 GMT"}
        if wanted := self.headers.get("Range", "").removeprefix("bytes="):
            start, end = (int(number) for number in (wanted + str(len(body) - 1) * wanted.endswith("-")).split("-"))
            headers["Content-Range"] = f"bytes {start}-{min(end, len(body) - 1)}/{len(body)}"
            return 206, body[start : end + 1], headers
        return 200, body, headers

    def _list(self, query: dict) -> bytes:
        names = sorted(name for name in self.fake.objects if name.startswith(query.get("prefix", "")))
        start = int(query.get("continuation-token", 0))
        more = start + PAGE < len(names)
        items = "".join(f"<Contents><Key>{escape(name)}</Key></Contents>" for name in names[start : start + PAGE])
        token = f"<NextContinuationToken>{start + PAGE}</NextContinuationToken>" if more else ""
        return _xml(
            f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{items}</ListBucketResult>"
        )

    def _answer(self, status: int, body: bytes, headers: dict | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def _xml(text: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode()


def _error(code: str) -> bytes:
    return _xml(f"<Error><Code>{code}</Code><Message>no {KEY_ID}</Message></Error>")
