"""Wall time of cold commands next to a bare psycopg round trip (F), interleaved, medians; and of a TAB.

The TAB is the completion function of bash over a cache of 200 ids, above the same shell that only sources the script.

python tests/bench/coldstart.py [ROUNDS]
"""

import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jobctl.core.job import NewJob
from jobctl.postgres import migrate
from jobctl.postgres.connect import connect
from jobctl.postgres.embedded import Server
from jobctl.postgres.leases import Leases


def timed(command: list[str], env: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, env=env, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    jobctl = str(Path(sys.executable).with_name("jobctl"))
    with tempfile.TemporaryDirectory(prefix="jobctl-bench-") as home:
        Path(home).chmod(0o755)
        server = Server(Path(home) / "server", report=lambda _: None, environment=os.environ)
        url = server.ensure()
        migrate.upgrade(url)
        Leases(lambda: connect(url)).submit([NewJob("noop", {})] * 1000)
        env = {**os.environ, "JOBCTL_DATABASE_URL": url, "JOBCTL_HOME": home}
        bare = f"import psycopg; c = psycopg.connect({url!r}); c.execute('select 1').fetchone()"
        commands = {
            "psycopg (F)": [sys.executable, "-c", bare],
            "list": [jobctl, "list", "-n", "20"],
            "show": [jobctl, "show", "1"],
            "pause": [jobctl, "pause", "1"],
            "retry --due": [jobctl, "retry", "--due"],
            "submit": [jobctl, "submit", "detect_connections"],
            "--help": [jobctl, "--help"],
            "--version": [jobctl, "--version"],
        }
        ids = Path(home) / "cache" / "ids"
        ids.parent.mkdir()
        ids.write_text("".join(f"{n}\tpause,cancel\tProcessing: Book {n}.pdf\n" for n in range(200)))
        script = Path(__file__).parents[2] / "completions" / "jobctl.bash"
        typed = "COMP_WORDS=(jobctl pause ''); COMP_CWORD=2; _jobctl"
        tab, source = (
            ["bash", "-c", f"source {shlex.quote(str(script))}; {typed}"],
            ["bash", "-c", f"source {shlex.quote(str(script))}"],
        )
        commands |= {"TAB": tab, "no TAB": source}
        found: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                found[name].append(timed(command, env))
        server.stop(force=True)
    base = statistics.median(found["psycopg (F)"])
    without = statistics.median(found.pop("no TAB"))
    print(f"a TAB        {(statistics.median(found.pop('TAB')) - without) * 1000:6.1f} ms above a shell without one")
    for name, times in found.items():
        print(f"{name:<12} {statistics.median(times) * 1000:6.0f} ms   {statistics.median(times) / base:.2f} F")


if __name__ == "__main__":
    main()
