"""One delivery of a notification over HTTP: to public addresses unless allowed otherwise, signed, in limited time.

The addresses of a host are checked and then connected to, so that no second lookup can lead elsewhere. Redirects are not
followed, proxies of the environment are not used.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from urllib.parse import SplitResult, urlsplit

from jobctl import __version__
from jobctl.core.errors import UsageError
from jobctl.core.notifications import SIGNATURE_HEADER, Delivered, Delivery, Notification, checked_url, signature

TIMEOUT = 10.0
"""Seconds for each step: to connect, to send, to wait for the answer."""
LIMIT = 30.0
"""Seconds for all of it."""
GONE = 410
_TRANSLATED = tuple(map(ipaddress.IPv6Network, ("2002::/16", "64:ff9b::/96", "2001::/32")))
"""IPv6 addresses that lead to an IPv4 address inside them."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Sends notifications. ``secret``: signs them; ``private``: whether private addresses are allowed."""

    secret: str | None = None
    private: bool = False
    limit: float = LIMIT

    def deliver(self, notification: Notification) -> Delivered:
        """Sends it once. Never raises."""
        try:
            parts = urlsplit(checked_url(notification.url))
            status = self._post(parts, self._body(notification), notification)
        except (UsageError, ValueError) as error:  # a host that no name can be
            return Delivered(Delivery.REFUSED, str(error))
        except (OSError, http.client.HTTPException) as error:
            return Delivered(Delivery.FAILED, _reason(error))
        if 200 <= status < 300:
            return Delivered(Delivery.DELIVERED)
        return Delivered(Delivery.REFUSED if status == GONE else Delivery.FAILED, f"answered {status}")

    def _body(self, notification: Notification) -> bytes:
        """The event, with the number of the notification: the same for each try, so that a receiver can drop repetitions."""
        sent = {"id": notification.id, "try": notification.tries}
        return json.dumps({**notification.event, **sent}, ensure_ascii=False, separators=(",", ":")).encode()

    def _post(self, url: SplitResult, body: bytes, notification: Notification) -> int:
        headers = {
            "Content-Type": "application/json", "User-Agent": f"jobctl/{__version__}", "Connection": "close",
            "X-Jobctl-Notification": str(notification.id),
        }  # fmt: skip
        if self.secret:
            headers[SIGNATURE_HEADER] = signature(body, self.secret)
        connection = http.client.HTTPConnection(url.netloc, timeout=TIMEOUT)
        late = threading.Timer(self.limit, _end, [connection])
        late.start()
        try:
            connection.sock = self._open(url)
            if url.scheme == "https":
                connection.sock = _tls().wrap_socket(connection.sock, server_hostname=url.hostname)
            path = f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"
            connection.request("POST", path, body, headers)
            with connection.getresponse() as answer:
                return answer.status
        finally:
            late.cancel()
            connection.close()

    def _open(self, url: SplitResult) -> socket.socket:
        port = url.port or (443 if url.scheme == "https" else 80)
        found = socket.getaddrinfo(url.hostname, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self.private and (inside := [address for address in addresses if not _public(address)]):
            raise OSError(f"{inside[0]} is a private address, and the setting notify_private is off")
        for address in addresses[:-1]:
            try:
                return socket.create_connection((address, port), TIMEOUT)
            except OSError:
                continue
        return socket.create_connection((addresses[-1], port), TIMEOUT)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _end(connection: http.client.HTTPConnection) -> None:
    """Ends what the delivery waits for, from another thread: an endpoint that sends a byte a second resets every time-out."""
    with suppress(OSError, AttributeError):  # closed meanwhile
        connection.sock.shutdown(socket.SHUT_RDWR)


def _public(address: str) -> bool:
    """Whether an address is one of the internet's."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif any(ip in network for network in _TRANSLATED):
            return False
    return ip.is_global and not ip.is_multicast


def _reason(error: Exception) -> str:
    """In a few words, without the address of the receiver's URL."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, http.client.HTTPException):
        return f"the answer is not HTTP: {type(error).__name__}"
    return str(getattr(error, "strerror", None) or error)[:200]
