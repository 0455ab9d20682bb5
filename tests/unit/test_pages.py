"""Pages for scrapers and probes: one that fails is an answer, and its URL can be used."""

import threading
import urllib.error
import urllib.request

import pytest

from jobctl.system.pages import Page, page_server, page_url


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_page_that_fails_is_an_answer(host, caplog):
    def broken() -> Page:
        raise ValueError("secret")

    try:
        server = page_server(host, 0, {"/good": lambda: Page("ok"), "/broken": broken})
    except OSError:
        pytest.skip(f"no {host} here")
    with server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        assert urllib.request.urlopen(page_url(host, server.server_port, "/good")).read() == b"ok"
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(page_url(host, server.server_port, "/broken"))
        with raised.value as answer:
            assert (answer.code, answer.read()) == (500, b"failed: ValueError\n")
        server.shutdown()
    assert "a page failed" in caplog.text


def test_the_url_of_an_address_of_version_6_has_brackets():
    assert page_url("::", 9100, "/metrics") == "http://[::]:9100/metrics"
    assert page_url("localhost", 9100, "/metrics") == "http://localhost:9100/metrics"
