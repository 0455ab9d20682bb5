"""An address to listen on, as an option."""

from __future__ import annotations

import re
from ipaddress import IPv6Address

import click

from jobctl.cli.output.text import cut

LONGEST_NAME = 253
"""Letters of a host name, https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4"""
_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")


class Address(click.ParamType[tuple[str, int]]):
    """``9100``, ``0.0.0.0:9100`` or ``[::]:9100`` as host and port; without a host: this machine only."""

    name = "address"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Host and port."""
        if isinstance(value, tuple):
            return value
        host, _, port = str(value).rpartition(":")
        shown = cut(str(value), 60)
        if not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65_535:
            self.fail(f"{shown!r} is not a port: use 9100 or 0.0.0.0:9100", param, ctx)
        host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        if not _is_host(host):
            self.fail(f"{shown!r} does not name a host: use 9100, 0.0.0.0:9100 or [::]:9100", param, ctx)
        return host or "127.0.0.1", int(port)


def _is_host(text: str) -> bool:
    if ":" not in text:
        return not text or (len(text) <= LONGEST_NAME and _NAME.fullmatch(text) is not None)
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True
