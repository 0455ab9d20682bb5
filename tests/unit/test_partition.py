"""The proxy that cuts a worker from the database: nothing arrives, nothing is refused."""

import socket

import pytest

from jobctl.torture import partition


@pytest.fixture
def proxy(monkeypatch):
    """Before a server that sends back what it gets. Gives the proxy and a way to connect to it."""
    server = socket.create_server(("127.0.0.1", 0))

    class Found:
        class info:  # noqa: N801 - as psycopg has it
            host, port = server.getsockname()

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(partition.psycopg, "connect", lambda _: Found())

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            partition._thread(lambda client=client: echo(client))

    def echo(client) -> None:
        with client:
            while data := client.recv(100):
                client.sendall(data)

    partition._thread(serve)
    held = partition.Proxy("dbname=x")
    yield held
    held.close()
    server.close()


def connected(proxy) -> socket.socket:
    client = socket.create_connection(proxy._listener.getsockname(), 10)
    client.sendall(b"hello")
    return client


def test_what_was_sent_during_a_cut_arrives_after_it(proxy):
    with connected(proxy) as old:
        assert old.recv(100) == b"hello"
        assert proxy.cut()
        assert not proxy.cut()
        old.sendall(b"again")
        with connected(proxy) as new:
            for client in (old, new):
                client.settimeout(0.1)
                with pytest.raises(TimeoutError):
                    client.recv(100)
                client.settimeout(10)
            proxy.heal(reset=False)
            assert (old.recv(100), new.recv(100)) == (b"again", b"hello")


def test_a_cut_may_cost_the_connections_from_before_it(proxy):
    with connected(proxy) as old:
        assert old.recv(100) == b"hello"
        proxy.cut()
        proxy.heal(reset=True)
        assert old.recv(100) == b""
        with connected(proxy) as new:
            assert new.recv(100) == b"hello"
