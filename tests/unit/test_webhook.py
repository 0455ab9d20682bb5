"""One delivery of a notification, against a real server."""

import socket
import threading
import time
from itertools import pairwise

import pytest

from jobctl import errors, verify_notification
from jobctl.client.new_jobs import Options, unvalidated_job
from jobctl.core.notifications import LONGEST_DELAY, MAX_TRIES, Delivery, Notification, checked_url, retry_in
from jobctl.worker import webhook
from jobctl.worker.webhook import Webhook
from tests.receiver import receiving


def notification(url, tries=1):
    event = {"v": 1, "kind": "job_ended", "status": "completed", "job": {"id": 7, "title": "Bücher"}}
    return Notification(5, 7, url, "host", event, tries)


def test_the_event_arrives_with_a_signature_of_the_exact_bytes():
    with receiving() as receiver:
        done = Webhook(secret="s3cret", private=True).deliver(notification(f"{receiver.url}/hook?of=me", tries=2))
    assert done.outcome is Delivery.DELIVERED
    ((headers, body),) = receiver.received
    assert receiver.bodies[0] == {
        "v": 1, "kind": "job_ended", "status": "completed", "job": {"id": 7, "title": "Bücher"}, "id": 5, "try": 2,
    }  # fmt: skip
    assert headers["X-Jobctl-Notification"] == "5"
    assert verify_notification(body, headers["X-Jobctl-Signature"], "s3cret")
    assert not verify_notification(body, headers["X-Jobctl-Signature"], "another")
    assert not verify_notification(body + b" ", headers["X-Jobctl-Signature"], "s3cret")
    assert not verify_notification(body, None, "s3cret")


def test_without_a_secret_there_is_no_signature():
    with receiving() as receiver:
        Webhook(private=True).deliver(notification(receiver.url))
    assert "X-Jobctl-Signature" not in receiver.received[0][0]


@pytest.mark.parametrize(
    ("code", "outcome"),
    [(200, "delivered"), (404, "undelivered"), (500, "undelivered"), (302, "undelivered"), (410, "refused")],
)
def test_only_success_is_a_delivery_and_no_redirect_is_followed(code, outcome):
    with receiving(code) as receiver:
        done = Webhook(private=True).deliver(notification(receiver.url))
        assert len(receiver.received) == 1
    assert done.outcome == outcome
    assert outcome == "delivered" or str(code) in done.reason


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1", "fe80::1%1",
        "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
    ],
)  # fmt: skip
def test_a_private_address_is_connected_to_only_when_allowed(monkeypatch, address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = [(socket.AF_INET, 0, 0, "", ("93.184.215.14", 80)), (family, 0, 0, "", (address, 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("connected"))
    done = Webhook().deliver(notification("http://innocent.example/"))
    assert (done.outcome, "private address" in done.reason) == (Delivery.FAILED, True)


def test_a_public_address_is_connected_to_as_it_was_checked(monkeypatch):
    tried = []

    def connect(target, *_):
        tried.append(target)
        raise ConnectionRefusedError(111, "Connection refused")

    found = [(socket.AF_INET, 0, 0, "", ("93.184.215.14", 80)), (socket.AF_INET, 0, 0, "", ("93.184.215.15", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(socket, "create_connection", connect)
    done = Webhook().deliver(notification("http://example.com/"))
    assert tried == [("93.184.215.14", 80), ("93.184.215.15", 80)]
    assert (done.outcome, done.reason) == (Delivery.FAILED, "Connection refused")


def test_an_endpoint_that_sends_a_byte_at_a_time_is_ended_by_the_limit():
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def drip():
        stream, _ = listening.accept()
        with stream:
            while not over.is_set():
                try:
                    stream.sendall(b"H")
                except OSError:
                    return
                time.sleep(0.02)

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    done = Webhook(private=True, limit=0.2).deliver(notification(f"http://127.0.0.1:{listening.getsockname()[1]}/"))
    over.set()
    thread.join(10)
    listening.close()
    assert done.outcome is Delivery.FAILED


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 999999999 x\r\n\r\n"])
def test_an_answer_that_is_not_http_is_a_failure_of_the_delivery(answer):
    listening = socket.create_server(("127.0.0.1", 0))

    def once():
        stream, _ = listening.accept()
        with stream:
            stream.recv(4096)
            stream.sendall(answer)

    thread = threading.Thread(target=once, daemon=True)
    thread.start()
    done = Webhook(private=True).deliver(notification(f"http://127.0.0.1:{listening.getsockname()[1]}/"))
    thread.join(10)
    listening.close()
    assert done.outcome is Delivery.FAILED


def test_a_plain_server_behind_https_is_a_failure_and_not_an_error(monkeypatch):
    monkeypatch.setattr(webhook, "TIMEOUT", 5.0)
    with receiving() as receiver:
        done = Webhook(private=True, limit=5.0).deliver(notification(receiver.url.replace("http://", "https://")))
    assert done.outcome is Delivery.FAILED
    assert receiver.received == []


BAD = [
    "ftp://x/", "file:///etc/passwd", "http://", "http:///x", "x", "", "http://user:pw@host/", "http://a b/", "http://h:99999/",
    "http://h/\r\nX: y", "http://hö/", "http://[::1/", "http://h/" + "x" * 3000,
]  # fmt: skip


@pytest.mark.parametrize("url", BAD)
def test_a_url_that_cannot_be_used_is_refused_when_submitting_and_when_delivering(url):
    with pytest.raises(errors.UsageError):
        checked_url(url)
    if url:
        with pytest.raises(errors.UsageError):
            unvalidated_job("a", {}, Options(notify=url), created_by="", retries={})
    assert Webhook(private=True).deliver(notification(url)).outcome is Delivery.REFUSED


def test_a_host_that_no_name_can_be_is_refused():
    assert (
        Webhook(private=True).deliver(notification(f"http://{'a' * 70}.{'b' * 70}/")).outcome is not Delivery.DELIVERED
    )


def test_delays_double_up_to_an_hour_and_end():
    delays = [retry_in(tries) for tries in range(1, MAX_TRIES)]
    for before, after in pairwise(delays):
        assert after > before or after >= LONGEST_DELAY
    assert 1.0 <= delays[0] <= 1.1
    assert max(delays) <= LONGEST_DELAY * 1.1
    assert retry_in(MAX_TRIES) is None
