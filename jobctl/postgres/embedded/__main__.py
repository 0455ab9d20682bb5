"""The process in which root works on a cluster as the account that owns it; ``helper.py`` starts it.

It takes one JSON object as its argument and writes one a line to stdout: ``{"report": …}`` any number of times, then
``{"result": …}``, or ``{"error": …, "message": …, "hint": …}``.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from jobctl.core.errors import ConfigError, StoreUnavailable
from jobctl.postgres.embedded.cluster import Cluster


def main() -> None:
    """The process: one request, one response."""
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
    """Drops root for good: groups, group and user, the saved ones too."""
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
