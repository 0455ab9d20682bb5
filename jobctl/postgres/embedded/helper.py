"""Work on the cluster as the account that owns it.

An ordinary user is that account. Root starts ``python -m jobctl.postgres.embedded``, a process that drops every right of
root for good before it looks at a single file of the account: what lies there, links included, then counts for no more than
the account itself.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from jobctl.core.errors import ConfigError, JobctlError, StoreUnavailable
from jobctl.postgres.embedded.account import Account
from jobctl.postgres.embedded.cluster import Cluster, Report
from jobctl.system.environment import variables

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
    """``Cluster.start`` as the account. ``lock``: the descriptor of the lock, kept until the work is done.

    Raises ``ConfigError``, ``StoreUnavailable``.
    """
    if account.user is None:
        return cluster.start(report)
    return Path(str(_delegate("start", cluster, account, report, lock)))


def stop(cluster: Cluster, account: Account, *, lock: int) -> bool:
    """``Cluster.stop`` as the account."""
    if account.user is None:
        return cluster.stop()
    return bool(_delegate("stop", cluster, account, lambda _: None, lock))


def _delegate(action: Action, cluster: Cluster, account: Account, report: Report, lock: int) -> object:
    """Runs an action in a process of the account; returns its result.

    The process inherits the lock: if this process is killed, no other starts while it is still running. ``-P`` keeps the
    current folder, which may belong to another account, out of the module search path.
    """
    order = {
        "action": action, "uid": account.uid, "gid": account.gid, "base": str(cluster.base), "major": cluster.major,
        "bindir": str(cluster.bindir), "durable": cluster.durable,
        "socket_dir": None if cluster.socket_dir is None else str(cluster.socket_dir),
    }  # fmt: skip
    environment = {name: variables[name] for name in PASSED_ON if name in variables}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "jobctl.postgres.embedded", json.dumps(order)],
        cwd="/", env=environment, pass_fds=[lock], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        start_new_session=True, text=True,
    )  # fmt: skip
    with process.stdout or io.StringIO() as lines:
        try:
            result = _answer(lines, report)
        except JobctlError:
            process.wait()
            raise
    process.wait()  # not where we are interrupted: it completes its work alone
    return result


def _answer(lines: Iterable[str], report: Report) -> object:
    """The result in what the process writes. Raises the error in it."""
    for line in lines:
        match json.loads(line):
            case {"report": text}:
                report(text)
            case {"result": result}:
                return result
            case {"error": kind, "message": message, "hint": hint}:
                raise ERRORS[kind](message, hint=hint)
    raise StoreUnavailable("the process that manages the database ended without an answer")
