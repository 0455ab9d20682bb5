"""Work on the cluster as the account that owns it.

An ordinary user is that account. Root starts this module as a process that gives up every right of root for good before
it looks at a single file of the account: what lies there, links included, then counts for no more than the account itself.

The process takes one JSON object as its argument and writes one a line to stdout: ``{"report": …}`` any number of times, then
``{"result": …}``, or ``{"error": …, "message": …, "hint": …}``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

from jobctl.core.errors import ConfigError, JobctlError, StoreUnavailable
from jobctl.postgres.embedded.account import Account
from jobctl.postgres.embedded.cluster import Cluster, Report

Action = Literal["start", "stop"]
ERRORS: dict[str, type[JobctlError]] = {error.__name__: error for error in (ConfigError, StoreUnavailable)}
PASSED_ON = (
    "PATH",
    "PYTHONPATH",
    "PYTHONHOME",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "LANG",
    "LC_ALL",
)


def start(cluster: Cluster, account: Account, report: Report, *, lock: int) -> Path:
    """``Cluster.start`` as the account. ``lock``: the descriptor of the lock, held until the work is done.

    Raises ``ConfigError``, ``StoreUnavailable``.
    """
    if account.user is None:
        return cluster.start(report)
    return Path(_delegate("start", cluster, account, report, lock))


def stop(cluster: Cluster, account: Account, *, lock: int) -> bool:
    """``Cluster.stop`` as the account."""
    if account.user is None:
        return cluster.stop()
    return bool(_delegate("stop", cluster, account, lambda _: None, lock))


def _delegate(action: Action, cluster: Cluster, account: Account, report: Report, lock: int) -> Any:
    """Runs an action in a process of the account; returns its result.

    The process inherits the lock: where we are killed, nobody else starts while it is still at work. ``-P`` keeps the
    current folder, which may be anybody's, out of the places that modules are imported from.
    """
    order = {
        "action": action, "uid": account.uid, "gid": account.gid, "base": str(cluster.base), "major": cluster.major,
        "bindir": str(cluster.bindir), "durable": cluster.durable,
        "socket_dir": None if cluster.socket_dir is None else str(cluster.socket_dir),
    }  # fmt: skip
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "jobctl.postgres.embedded.helper", json.dumps(order)],
        cwd="/", env=environment, pass_fds=[lock], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, text=True,
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            match json.loads(line):
                case {"report": text}:
                    report(text)
                case {"result": result}:
                    return result
                case {"error": kind, "message": message, "hint": hint}:
                    raise ERRORS[kind](message, hint=hint)
        lines = process.stderr.read().strip().splitlines() if process.stderr else []
    reason = lines[-1] if lines else "no reason given"
    raise StoreUnavailable(f"the database can't be managed as {account.user}: {reason}")


def main() -> None:
    """The process: one order, one answer."""
    order = json.loads(sys.argv[1])
    try:
        _become(order["uid"], order["gid"])
        cluster = Cluster(
            base=Path(order["base"]), major=order["major"], bindir=Path(order["bindir"]), durable=order["durable"],
            socket_dir=None if order["socket_dir"] is None else Path(order["socket_dir"]),
        )  # fmt: skip
        result = str(cluster.start(_report)) if order["action"] == "start" else cluster.stop()
    except (ConfigError, StoreUnavailable) as error:
        _send(error=type(error).__name__, message=str(error), hint=error.hint)
    except OSError as error:
        _send(error="StoreUnavailable", message=f"the database can't be managed: {error}", hint=None)
    else:
        _send(result=result)


def _become(uid: int, gid: int) -> None:
    """Gives up root for good: groups, group and user, the saved ones too."""
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    os.umask(0o077)


def _report(line: str) -> None:
    _send(report=line)


def _send(**message: str | bool | None) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
