"""What a line of log and a report of progress cost a job, end to end, against the bare loop: lines a second, and the ratio.

Each job runs on a worker of its own process; the time is that of the attempt, by the database's clock, until every line
that is kept has been written and the job is settled.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from jobctl.postgres import migrate
from jobctl.postgres.embedded.server import Server

COUNT = 500_000
ROUNDS = 3
GOAL = 50_000
PLUGIN = Path(__file__).parents[1] / "plugin"


def run(url: str, home: str, kind: str) -> float:
    """Seconds of one job that makes ``COUNT`` lines."""
    environment = {**os.environ, "JOBCTL_HOME": home, "JOBCTL_DATABASE_URL": url, "PYTHONPATH": str(PLUGIN)}
    subprocess.run(
        [sys.executable, "-m", "jobctl", "submit", "talks", "--payload", json.dumps({"kind": kind, "size": COUNT})],
        env=environment, check=True, capture_output=True,
    )  # fmt: skip
    subprocess.run([sys.executable, "-m", "jobctl", "worker", "run", "--drain", "-c", "1"], env=environment, check=True)
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT extract(epoch FROM completed_at - attempt_started_at) FROM jobctl.jobs ORDER BY id DESC LIMIT 1"
        ).fetchone()
    return float(row[0])


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="jobctl-bench-") as home:
        Path(home).chmod(0o755)
        server = Server(Path(home) / "server", report=lambda _: None, environment=os.environ)
        url = server.ensure()
        try:
            migrate.upgrade(url)
            bare = min(run(url, home, "bare") for _ in range(ROUNDS))
            print(f"bare loop            {COUNT / bare:>12,.0f} a second")
            for kind in ("print", "log", "logging", "progress"):
                spent = min(run(url, home, kind) for _ in range(ROUNDS))
                verdict = "ok" if COUNT / spent >= GOAL else f"below {GOAL:,}"
                print(f"{kind:<20} {COUNT / spent:>12,.0f} a second, {spent / bare:5.1f} x the bare loop  {verdict}")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
