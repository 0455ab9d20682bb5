"""Homes that the server's account can enter, and servers that are stopped afterwards."""

import os
import secrets

import pytest

from jobctl.postgres.embedded import Server


@pytest.fixture
def base(reachable_tmp):
    folder = reachable_tmp / secrets.token_hex(3)
    folder.mkdir(mode=0o755)
    return folder


@pytest.fixture
def servers():
    held = []

    def make(home, said=None, *, durable=False):
        server = Server(home, report=(said if said is not None else []).append, environment=os.environ, durable=durable)
        held.append(server)
        return server

    yield make
    for server in held:
        server.stop(force=True)
