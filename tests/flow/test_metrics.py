"""A worker shows what it has done, to a real scrape."""

import re
import urllib.error
import urllib.request

import pytest

from jobctl.worker.metrics import HELP, Metrics


def scrape(url: str) -> dict[str, float]:
    with urllib.request.urlopen(url, timeout=10) as page:
        assert page.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        lines = page.read().decode().splitlines()
    assert {line.split()[2] for line in lines if line.startswith("# TYPE")} == set(HELP)
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def test_a_worker_counts_what_it_settles_and_says_when_it_last_beat(shell, cli, eventually):
    worker = shell.start("worker", "run", "-c", "1", "--metrics", "0", "--name", 'a "b"')
    url = re.search(r"http://127.0.0.1:\d+/metrics", worker.stderr.readline()).group()
    cli("submit", "-f", "-", stdin='{"type":"noop"}\n' * 3 + '{"type":"trouble","input":{"kind":"invalid"}}\n')
    settled = 'jobctl_jobs_settled_total{status="%s",type="%s"}'
    found = eventually(lambda: (page := scrape(url)).get(settled % ("failed", "trouble")) and page)
    assert found[settled % ("completed", "noop")] == 3
    assert found["jobctl_jobs_claimed_total"] == 4
    assert (found["jobctl_slots"], found["jobctl_database_away"]) == (1, 0)
    assert 0 <= found["jobctl_seconds_since_beat"] < 30
    assert found['jobctl_info{version="0.1.0",worker="a \\"b\\""}'] == 1
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(url + "/nothing", timeout=10)
    taken = cli("worker", "run", "--metrics", url.split(":")[2].split("/")[0])
    assert (taken.code, taken.out) == (5, "")
    assert "Choose another port" in taken.err


def test_labels_are_escaped_and_every_metric_is_explained():
    held = Metrics()
    held.count("jobctl_jobs_claimed_total", 2, type='x"\n\\')
    assert 'jobctl_jobs_claimed_total{type="x\\"\\n\\\\"} 2' in held.text().splitlines()
    assert held.text().count("# HELP") == len(HELP)
