"""The files of docs/deploy: linted by the tools they are for, with commands, metrics and graces that fit the program."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from jobctl.cli.app import root
from jobctl.cli.output import queue_metrics
from jobctl.core.durations import parse_duration
from jobctl.core.job import NewJob
from jobctl.worker import metrics
from jobctl.worker.shutdown import LAST_WRITES
from tests.conftest import ROOT

DEPLOY = ROOT / "docs" / "deploy"
UNIT = DEPLOY / "jobctl-worker@.service"


def documents(name: str) -> list[dict]:
    return list(YAML(typ="safe").load_all(DEPLOY / name))


def lines(name: str) -> dict[str, list[str]]:
    """The directives of the unit."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / name).read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def containers() -> Iterator[dict]:
    for document in documents("kubernetes.yaml"):
        template = document.get("spec", {}).get("template")
        if template:
            yield from template["spec"]["containers"]


def composed() -> dict[str, list[str]]:
    """The arguments of each service of the compose file that runs jobctl."""
    (compose,) = documents("compose.yaml")
    services = compose["services"].items()
    return {name: item["command"] for name, item in services if item["image"] == "jobctl" and "entrypoint" not in item}


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """What the files run, without the name of the program."""
    (started,) = lines(UNIT.name)["ExecStart"]
    yield UNIT.name, shlex.split(started.replace("$WORKER_OPTIONS", "--concurrency 4 --metrics 9101"))[1:]
    for name, words in composed().items():
        yield f"compose {name}", words
    for container in containers():
        yield f"kubernetes {container['name']}", container["args"]
    script = (DEPLOY / "slurm.sh").read_text().replace("\\\n", " ")
    script = re.sub(r'\$\{SLURM_CPUS_PER_TASK:-1\}|"\$@"', lambda found: "1" if "CPUS" in found[0] else "", script)
    (started,) = re.findall(r"^exec jobctl (.*)", script, re.MULTILINE)
    yield "slurm.sh", shlex.split(started)
    scaling = (ROOT / "docs" / "SCALING.md").read_text()
    (job,) = re.findall(r"```yaml\n(.*?)```", scaling, re.DOTALL)
    (container,) = YAML(typ="safe").load(job)["spec"]["template"]["spec"]["containers"]
    yield "SCALING.md, Kubernetes", container["args"]
    (task,) = re.findall(r'\["jobctl", .*?\]', scaling)
    yield "SCALING.md, Ray", json.loads(task)[1:]
    for path in (
        *DEPLOY.iterdir(),
        ROOT / "docs" / "SCALING.md",
    ):  # and what the comments and messages tell a reader to type
        for typed in re.findall(r"`jobctl ([^`]+)`", path.read_text()):
            yield f"{path.name}: {typed}", shlex.split(typed.replace("ID", "1").replace("…", ""))


@pytest.mark.parametrize(("where", "words"), command_lines())
def test_every_command_line_is_one_of_the_program(where, words):
    context, command = root.make_context("jobctl", [], resilient_parsing=True), root
    rest = list(words)
    while hasattr(command, "resolve_command"):
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(
            name, rest, parent=context, resilient_parsing=hasattr(command, "resolve_command")
        )
    assert not context.args, where


def option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


def graces() -> Iterator[tuple[str, float, float]]:
    """Where a worker is started, its grace, and after how long it is killed."""
    found = dict(command_lines())
    yield "systemd", grace(found[UNIT.name]), parse_duration(*lines(UNIT.name)["TimeoutStopSec"])
    (compose,) = documents("compose.yaml")
    for name in ("worker-1", "worker-2"):
        stop = parse_duration(compose["services"][name]["stop_grace_period"])
        yield name, grace(found[f"compose {name}"]), stop
    (worker,) = [
        d
        for d in documents("kubernetes.yaml")
        if d["metadata"]["name"] == "jobctl-worker" and d["kind"] == "Deployment"
    ]
    pod = worker["spec"]["template"]["spec"]
    yield "kubernetes", grace(pod["containers"][0]["args"]), pod["terminationGracePeriodSeconds"]
    yield "slurm", grace(found["slurm.sh"]), 30.0  # KillWait


def grace(words: list[str]) -> float:
    return parse_duration(option(words, "--grace"))


@pytest.mark.parametrize(("where", "worker", "killed"), graces())
def test_a_worker_is_killed_later_than_its_grace_and_its_last_writes(where, worker, killed):
    assert worker + LAST_WRITES < killed, where


# -- metrics -------------------------------------------------------------------------------------------------------------


KNOWN = {
    name: set(metric.labels) | ({"le"} if suffix == "_bucket" else set())
    for metric in (*queue_metrics.METRICS, *metrics.METRICS)
    for suffix in (("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",))
    for name in (metric.name + suffix,)
}
OF_PROMETHEUS = {"instance", "job"}


def expressions() -> Iterator[tuple[str, str, str]]:
    """The expressions of alert rules and panels, with the text in which their labels are shown."""
    (rules,) = documents("alerts.yaml")
    for group in rules["groups"]:
        for rule in group["rules"]:
            shown = " ".join(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
            yield rule["alert"], rule["expr"], shown
    for panel in json.loads((DEPLOY / "grafana.json").read_text())["panels"]:
        for target in panel.get("targets", ()):
            shown = " ".join(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            yield panel["title"], target["expr"], shown


@pytest.mark.parametrize(("where", "expression", "shown"), expressions())
def test_every_metric_and_label_is_one_that_the_program_serves(where, expression, shown):
    named = re.findall(r"\bjobctl_\w+", expression)
    assert named
    assert set(named) <= set(KNOWN), where
    labels = set().union(*(KNOWN[name] for name in named)) | OF_PROMETHEUS
    used = {label for part in re.findall(r"{([^}]*)}", expression) for label in re.findall(r"(\w+)(?:=~|!=|=)", part)}
    used |= {label for part in re.findall(r"\bby \(([^)]*)\)", expression) for label in re.findall(r"\w+", part)}
    assert used | set(shown.split()) <= labels, where


def test_the_dashboard_shows_every_metric_and_can_be_imported():
    shown = (DEPLOY / "grafana.json").read_text()
    assert not {metric.name for metric in (*queue_metrics.METRICS, *metrics.METRICS) if metric.name not in shown}
    dashboard = json.loads(shown)
    assert [variable["name"] for variable in dashboard["templating"]["list"]] == ["datasource", "queue", "type"]
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert {panel["datasource"]["uid"] for panel in panels if panel["type"] != "row"} == {"${datasource}"}


def test_the_probes_are_served_where_kubernetes_looks():
    for container in containers():
        served = [
            word
            for flag in ("--metrics", "--serve")
            if flag in (words := container["args"])
            for word in [option(words, flag)]
        ]
        probes = [value for key, value in container.items() if key.endswith("Probe")]
        assert bool(served) == bool(probes)
        for probe in probes:
            assert probe["httpGet"]["path"] in ("/healthz", "/readyz")
            assert probe["httpGet"]["port"] == container["ports"][0]["name"]
            assert served == [f"0.0.0.0:{container['ports'][0]['containerPort']}"]


def test_the_query_of_the_scaler_counts_what_runs_and_what_could(conn, queue, claim):
    (scaler,) = [d for d in documents("kubernetes.yaml") if d["kind"] == "ScaledObject"]
    query = scaler["spec"]["triggers"][0]["metadata"]["query"]
    assert conn.execute(query).fetchone() == (0,)
    jobs = [queue.submit([NewJob("a", {}, concurrency_key=key)])[0].id for key in (None, None, None, "k", "k")]
    conn.execute("UPDATE jobs SET run_after = now() + interval '1 hour' WHERE id = %s", [jobs[0]])
    queue.pause([jobs[1]])
    assert conn.execute(query).fetchone() == (2,), "one without a key, and the first of those with the same key"
    assert len(claim(1)) == 1
    assert conn.execute(query).fetchone() == (2,)


# -- the tools that the files are for ------------------------------------------------------------------------------------


def tool(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: apt install {package}")
    return found


def test_systemd_takes_the_unit(tmp_path):
    analyze = tool("systemd-analyze", "systemd")
    program = tmp_path / "jobctl"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = UNIT.read_text().replace("/opt/jobctl/bin/jobctl", str(program)).replace("Documentation=man:jobctl(1)\n", "")
    (tmp_path / UNIT.name).write_text(text)
    done = subprocess.run(
        [analyze, "verify", "--man=no", tmp_path / UNIT.name], capture_output=True, text=True, check=False
    )
    if "Failed to initialize manager" in done.stderr:
        pytest.skip(f"systemd-analyze does not work here: {done.stderr.strip()}")
    ours = [line for line in done.stderr.splitlines() if "jobctl" in line]
    assert (done.returncode, ours) == (0, [])


def test_prometheus_takes_the_rules():
    done = subprocess.run(
        [tool("promtool", "prometheus"), "check", "rules", DEPLOY / "alerts.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_takes_the_file():
    docker = tool("docker", "docker.io")
    if subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not installed: apt install docker-compose-v2")
    env = {"POSTGRES_PASSWORD": "a", "BUCKET_PASSWORD": "b", "PATH": str(Path(docker).parent)}
    done = subprocess.run(
        [docker, "compose", "-f", DEPLOY / "compose.yaml", "config", "-q"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_script_of_slurm_is_one_of_bash():
    subprocess.run(["bash", "-n", DEPLOY / "slurm.sh"], check=True)


def test_the_parts_of_the_kubernetes_file_fit_each_other():
    objects = {(d["kind"], d["metadata"]["name"]): d for d in documents("kubernetes.yaml")}
    assert len(objects) == len(documents("kubernetes.yaml"))
    for (kind, _), item in objects.items():
        if kind == "Deployment":
            assert item["spec"]["selector"]["matchLabels"] == item["spec"]["template"]["metadata"]["labels"]
    scaler = objects["ScaledObject", "jobctl-worker"]
    assert ("Deployment", scaler["spec"]["scaleTargetRef"]["name"]) in objects
    assert ("TriggerAuthentication", scaler["spec"]["triggers"][0]["authenticationRef"]["name"]) in objects
    for container in containers():
        for source in container["envFrom"]:
            assert "secretRef" in source or ("ConfigMap", source["configMapRef"]["name"]) in objects
        for mount in container.get("volumeMounts", ()):
            pod = objects["Deployment", "jobctl-worker"]["spec"]["template"]["spec"]
            assert mount["name"] in {volume["name"] for volume in pod["volumes"]}
