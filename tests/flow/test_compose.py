"""What docs/deploy/compose.yaml starts, as processes: the same commands and environment, with ports of this machine."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from urllib.error import HTTPError

import pytest
from ruamel.yaml import YAML

from jobctl.core.durations import parse_duration
from tests.conftest import ROOT
from tests.fakes import s3

SERVICES = YAML(typ="safe").load(ROOT / "docs" / "deploy" / "compose.yaml")["services"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def bucket():
    with s3.running() as fake:
        fake.buckets = set()
        yield fake


@pytest.fixture
def environment(bucket, database_url) -> Callable[[str], dict[str, str]]:
    """The variables of a service, with this machine's server, bucket and its credentials in the place of the containers'."""
    ours = {
        "JOBCTL_DATABASE_URL": database_url,
        **{k: v for k, v in bucket.environment.items() if k != "AWS_EC2_METADATA_DISABLED"},
    }

    def of(service: str) -> dict[str, str]:
        named = SERVICES[service]["environment"]
        assert set(ours) <= set(named)
        return {**named, **ours, "AWS_EC2_METADATA_DISABLED": "true"}

    return of


def local(words: list[str]) -> tuple[list[str], int]:
    """Arguments with a free port of this machine for the one that a container has for itself."""
    port = free_port()
    return [re.sub(r"^0\.0\.0\.0:\d+$", f"127.0.0.1:{port}", word) for word in words], port


def page(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def test_the_compose_story(shell, conn, bucket, environment, eventually, tmp_path):
    (program,) = SERVICES["make-bucket"]["command"]
    for _ in range(2):  # a second `up` finds the bucket
        made = subprocess.run([sys.executable, "-c", program], env={**shell.env, **environment("make-bucket")}, check=False,
                              capture_output=True, text=True)  # fmt: skip
        assert (made.returncode, made.stderr, bucket.buckets) == (0, "", {"jobctl"})
    assert shell(*SERVICES["schema"]["command"], env=environment("schema")).code == 0

    workers, ports = [], []
    for name in ("worker-1", "worker-2"):
        words, port = local(SERVICES[name]["command"])
        workers.append(shell.start(*words, env=environment(name)))
        ports.append(port)
    metrics_words, metrics_port = local(SERVICES["metrics"]["command"])
    metrics = shell.start(*metrics_words, env=environment("metrics"))
    for port in (*ports, metrics_port):
        eventually(lambda port=port: page(port, "/readyz")[0] == 200)
        assert page(port, "/healthz")[0] == 200
    assert 'jobctl_queue_workers{state="alive"} 2' in page(metrics_port, "/metrics")[1]

    document = tmp_path / "note.md"
    document.write_text("# A note\n\nThe horn sounds in fog.\n")
    submitted = shell("submit", document, env=environment("submit"))
    assert (submitted.code, submitted.out) == (0, "1\n"), submitted.err
    done = shell("wait", "1", "--timeout", "60s", env=environment("submit"))
    assert done.code == 0, shell("show", "1", env=environment("submit")).out
    assert [key for key in bucket.objects if key.startswith("storage/")]

    for process in workers:
        process.send_signal(signal.SIGTERM)
    for name, process in zip(("worker-1", "worker-2"), workers, strict=True):
        said = process.communicate(timeout=parse_duration(SERVICES[name]["stop_grace_period"]))[1]
        assert process.returncode == 0
        assert all(json.loads(line)["worker"] for line in said.splitlines())
    metrics.send_signal(signal.SIGTERM)
    assert metrics.wait(30) in (0, 143)
