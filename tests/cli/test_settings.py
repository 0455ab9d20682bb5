"""Who may set what: the user's own file, a project's file, folders of others."""

import json
import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from jobctl import wiring
from jobctl.core.errors import ConfigError
from jobctl.wiring.setting_table import SETTINGS
from tests.embedded.processes import as_account, as_root

NEVER = {
    "child_account",
    "child_environment",
    "db",
    "storage",
    "input_roots",
    "model_url",
    "notify_command",
    "notify_private",
    "notify_secret",
    "notify_url",
    "secrets_file",
    "readwise_url",
    "embedding",
    "enrichment",
    "judge",
    "test_fast",
}
"""Where data and keys go, what may be read, which code is run, whether what is written survives."""


def shown(cli) -> dict:
    return json.loads(cli("config", "show", "--json").out)


def sources(cli) -> dict:
    return {item["name"]: item["source"] for item in shown(cli)["settings"]}


@pytest.fixture
def project(cli, shell):
    """A project's file in the current folder, which is the user's."""
    return shell.home / ".jobctl.toml"


def test_a_project_file_sets_what_it_may(cli, project):
    project.write_text("concurrency = 7\nmax_retries = {steps = 1}\n")
    assert sources(cli)["concurrency"] == ".jobctl.toml"
    assert shown(cli)["ignored"] == []


def test_every_setting_says_whether_a_project_may_set_it(cli, project):
    assert {name for name, setting in SETTINGS.items() if not setting.project} == NEVER


@pytest.mark.parametrize("name", sorted(NEVER))
def test_it_never_says_where_data_and_keys_go(cli, project, name):
    default = SETTINGS[name].default
    value = "true" if isinstance(default, bool) else "['/']" if isinstance(default, list) else "'https://evil.invalid'"
    project.write_text(f"{name} = {value}\npoll = 2.0\n")
    before = sources(cli)
    assert before[name] != ".jobctl.toml"
    assert before["poll"] == ".jobctl.toml", "the rest of the file counts"
    assert shown(cli)["ignored"] == [
        {"source": ".jobctl.toml", "name": name, "reason": "a project file may not set it"}
    ]
    assert f"ignored: {name} in .jobctl.toml: a project file may not set it" in cli("config", "show").out
    checks = {check["id"]: check for check in json.loads(cli("doctor", "--json").out)["checks"]}
    assert name in checks["settings"]["hint"]


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_a_file_that_others_can_write_counts_for_nothing(cli, project, mode):
    project.write_text("concurrency = 7\n")
    project.chmod(mode)
    assert sources(cli)["concurrency"] == "default"
    assert shown(cli)["ignored"] == [
        {"source": ".jobctl.toml", "name": None, "reason": "other accounts can write to it"}
    ]


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_nor_does_one_in_a_folder_that_others_can_write(cli, project, mode, tmp_path, monkeypatch):
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(mode)
    (folder / ".jobctl.toml").write_text("concurrency = 7\n")
    monkeypatch.chdir(folder)
    assert sources(cli)["concurrency"] == "default"
    assert shown(cli)["ignored"][0]["reason"] == "its folder: other accounts can write to it"


def test_nor_does_a_link(cli, project, tmp_path):
    (tmp_path / "real.toml").write_text("concurrency = 7\n")
    project.symlink_to(tmp_path / "real.toml")
    assert sources(cli)["concurrency"] == "default"
    assert shown(cli)["ignored"][0]["reason"] == "it is a link"


def test_nor_does_a_pipe_a_socket_or_a_folder(cli, project):
    os.mkfifo(project)
    assert sources(cli)["concurrency"] == "default"
    assert shown(cli)["ignored"][0]["reason"] == "it is not a regular file"
    project.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(project.relative_to(project.parent)))
        assert sources(cli)["concurrency"] == "default"
    project.unlink()
    project.mkdir()
    assert sources(cli)["concurrency"] == "default"


@as_root
@pytest.mark.parametrize("whose", ["file", "folder"])
def test_nor_does_what_belongs_to_another_account(cli, project, whose, tmp_path, monkeypatch):
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / ".jobctl.toml").write_text("concurrency = 7\n")
    os.chown(folder / ".jobctl.toml" if whose == "file" else folder, 65534, 65534)
    monkeypatch.chdir(folder)
    assert sources(cli)["concurrency"] == "default"
    assert "it belongs to nobody (uid 65534)" in shown(cli)["ignored"][0]["reason"]


@as_root
def test_an_ordinary_account_believes_itself_and_root_and_nobody_else(reachable_tmp):
    code = "from jobctl import wiring; s = wiring.settings({}); print(s['concurrency'], *s.ignored)"
    for owner, answer in ((0, "7"), (65534, "7"), (33, "2 .jobctl.toml: it belongs to www-data (uid 33)")):
        folder = reachable_tmp / f"of-{owner}"
        folder.mkdir()
        (folder / ".jobctl.toml").write_text("concurrency = 7\n")
        os.chown(folder / ".jobctl.toml", owner, owner)
        done = as_account("nobody", "-c", code, cwd=folder)
        assert done.stdout.strip() == answer, done.stderr


def test_no_key_and_no_text_goes_where_a_project_file_says(shell, monkeypatch):
    """The whole way: a hostile folder, a search with a key in the environment."""
    seen = []

    class Thief(BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append(self.headers["Authorization"])
            self.send_error(500)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Thief)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/v1"
    (shell.home / ".jobctl.toml").write_text(f"model_url = '{url}'\nembedding = 'openai'\n")
    done = shell("search", "words", env={"OPENAI_API_KEY": "sk-secret"})
    assert (done.code, seen) == (0, [])
    shell("search", "words", env={"OPENAI_API_KEY": "sk-secret", "JOBCTL_MODEL_URL": url, "JOBCTL_EMBEDDING": "openai"})
    assert seen, "the same by the environment goes there"
    server.shutdown()
    server.server_close()


def test_the_users_own_file_sets_everything(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = tmp_path / "jobctl" / "config.toml"
    file.parent.mkdir()
    file.write_text(f"storage = '{tmp_path}/bytes'\nmodel_url = 'http://localhost:1/v1'\n")
    assert sources(cli)["storage"] == sources(cli)["model_url"] == str(file)
    file.chmod(0o666)
    done = cli("list")
    assert done.code == 5
    assert "other accounts can write to it" in done.err
    assert cli("--config", file, "list").code == 0, "named by hand"


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_a_home_that_others_can_write_is_refused(shell, tmp_path, mode):
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(mode)
    done = shell("list", env={"JOBCTL_HOME": str(home)})
    assert done.code == 5
    assert f"JOBCTL_HOME {home} can't be trusted: other accounts can write to it" in done.err
    assert list(home.iterdir()) == []


@as_root
def test_a_home_of_another_account_is_refused(shell, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    done = shell("list", env={"JOBCTL_HOME": str(home)})
    assert done.code == 5
    assert "belongs to nobody (uid 65534)" in done.err
    assert list(home.iterdir()) == []


def test_a_home_that_jobctl_makes_is_private_whatever_the_umask(shell, tmp_path):
    before = os.umask(0)
    try:
        home = tmp_path / "a" / "home"
        assert shell("submit", "noop", env={"JOBCTL_HOME": str(home)}, cwd=tmp_path).code == 0
        assert shell("list", env={"JOBCTL_HOME": str(home)}, cwd=tmp_path).code == 0
        assert home.stat().st_mode & 0o077 == 0
    finally:
        os.umask(before)


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_storage_that_others_can_write_is_refused(cli, monkeypatch, tmp_path, mode):
    storage = tmp_path / "bytes"
    storage.mkdir()
    storage.chmod(mode)
    monkeypatch.setenv("JOBCTL_STORAGE", str(storage))
    done = cli("doctor", "--json")
    assert done.code == 5
    checks = {check["id"]: check for check in json.loads(done.out)["checks"]}
    assert "other accounts can write to it" in checks["storage"]["detail"]
    store = wiring.storage(wiring.settings({}))
    for use in (lambda: store.put("a/b", b"x"), lambda: store.get("a/b", max_bytes=9), lambda: list(store.keys(""))):
        with pytest.raises(ConfigError, match="can't be trusted"):
            use()


@as_root
def test_a_storage_of_another_account_is_refused(cli, monkeypatch, tmp_path):
    storage = tmp_path / "bytes"
    storage.mkdir()
    os.chown(storage, 65534, 65534)
    monkeypatch.setenv("JOBCTL_STORAGE", str(storage))
    assert cli("doctor").code == 5
    with pytest.raises(ConfigError, match="belongs to nobody"):
        wiring.storage(wiring.settings({})).put("a/b", b"x")


def test_a_storage_that_is_made_is_private(tmp_path):
    before = os.umask(0)
    try:
        store = wiring.storage(wiring.settings({}, {"JOBCTL_HOME": str(tmp_path), "HOME": str(tmp_path)}))
        store.put("jobs/1/a", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "storage").stat().st_mode & 0o077 == 0
    assert store.get("jobs/1/a", max_bytes=1) == b"x"
