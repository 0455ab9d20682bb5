"""The commands of the page on roles, run as they stand there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from jobctl.postgres.roles import GRANTS
from tests import servers

ROOT = Path(__file__).parents[2]
LOGINS = {"ANN": ("ann", "a"), "BOB": ("bob", "b"), "VM1": ("vm1", "c")}


@pytest.fixture
def cleared(conn):
    """Afterwards the roles that the page creates are gone."""
    yield
    for name in [login for login, _ in LOGINS.values()] + [f"jobctl_{kind}" for kind in GRANTS]:
        if conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
            conn.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not installed: apt install postgresql-client")
def test_the_commands_of_the_page_on_roles_do_what_they_are_there_for(shell, database_url, cleared):
    page = (ROOT / "docs" / "OPERATIONS.md").read_text()
    section = page[page.index("## Roles") : page.index("## Proof")]
    (script,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    shutil.copy(ROOT / "tests" / "data" / "lighthouse.md", shell.home / "book.md")
    url = servers.direct(database_url)
    urls = {name: make_conninfo(url, user=user, password=password) for name, (user, password) in LOGINS.items()}
    path = f"{Path(sys.executable).parent}:{shell.env['PATH']}"
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script], cwd=shell.home, env={**shell.env, **urls, "OWNER": url, "PATH": path},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no such job" in done.stderr


def test_the_page_names_every_role_and_every_option_of_the_function():
    page = (ROOT / "docs" / "OPERATIONS.md").read_text()
    for kind in GRANTS:
        assert f"`_{kind}`" in page
    api = (ROOT / "jobctl" / "postgres" / "api.sql").read_text()
    (options,) = re.findall(r"ARRAY\[(.*?)\]", api, re.DOTALL)
    for option in re.findall(r"'(\w+)'", options):
        assert re.search(rf"options are[^`]*\b{option}\b", page), option
