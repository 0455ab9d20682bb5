"""Which rights a worker leaves to its children: account, folders, environment."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from jobctl.core.errors import ConfigError
from jobctl.core.names import COMMAND_TYPE
from jobctl.system.cgroup import MemoryGroup
from jobctl.system.environment import variables
from jobctl.wiring.configuration import Settings
from jobctl.wiring.plugins import storage_location
from jobctl.worker import kernel, sandbox, view
from jobctl.worker.sandbox import Confinement
from jobctl.worker.view import Account, Grant

log = logging.getLogger("jobctl.worker")

ACCOUNTS = ("jobctl", "nobody")
"""Accounts that the children of root's worker run as: the first that exists."""
AT_START = ("PATH", "HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "TZ", "VIRTUAL_ENV")
AT_START_PREFIXES = ("LC_", "PYTHON", "JOBCTL_TEST_")
"""Variables that an interpreter reads while it starts. They stay visible to other processes of the account, as every
initial environment does; the others are set by the child itself, where they are not visible."""
SET_BY_CHILD = (
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
)  # fmt: skip
NEVER = ("TMPDIR", "LD_PRELOAD")
"""What a pattern does not pass on: the first is the mark of a child's programs."""
LEAST_OF_GROUP = 512 << 20
"""Bytes that a child may reserve where its control group has less. Address space is not memory: a child with the engines of
documents reserves 460 MB, and uses 160 of them. What is used beyond the group's limit the kernel takes back."""
PLUGIN_KEYS = ("OPENAI_API_KEY",)
"""What the engines of ``documents`` read. They get these from their settings; no handler and no program sees them."""


@dataclass(frozen=True, slots=True)
class ChildEnvironment:
    """The variables of a child. ``at_start``: its initial environment; ``by_type``: set while a job of the type runs."""

    at_start: dict[str, str]
    set_by_child: dict[str, str]
    plugins: dict[str, str]
    by_type: dict[str, dict[str, str]]


def child_environment(
    settings: Settings, environment: Mapping[str, str], types: Mapping[str, Iterable[str]]
) -> ChildEnvironment:
    """What a child inherits of the worker's environment: an allow-list, what settings name, what its job types name.

    ``types``: the variables that each job type names.
    """
    allowed = [*AT_START, *settings.values["child_environment"]]
    at_start = {
        name: value for name, value in environment.items() if name in allowed or name.startswith(AT_START_PREFIXES)
    }
    remote = storage_location(settings).startswith("s3://")
    later = {
        name: value
        for name, value in environment.items()
        if name in SET_BY_CHILD or (remote and name.startswith("AWS_"))
    }
    return ChildEnvironment(
        at_start, later, _picked(environment, PLUGIN_KEYS if settings.values["model_url"] else ()),
        {name: _picked(environment, _patterns(settings, name, named), without=at_start) for name, named in types.items()},
    )  # fmt: skip


def _patterns(settings: Settings, job_type: str, named: Iterable[str]) -> tuple[str, ...]:
    """The variables that a job type may read: those that it names, and for commands those that the owner allows."""
    return (*named, *(settings.values["command_environment"] if job_type == COMMAND_TYPE else ()))


def _picked(environment: Mapping[str, str], names: Iterable[str], *, without: Collection[str] = ()) -> dict[str, str]:
    patterns = tuple(names)
    return {
        name: value for name, value in environment.items()
        if name not in without and name not in NEVER and any(fnmatchcase(name, p) for p in patterns)
    }  # fmt: skip


class TypeEnvironment:
    """Sets the variables that a job type names, and removes those of the type before it."""

    def __init__(self, by_type: Mapping[str, Mapping[str, str]]) -> None:
        self._by_type = by_type
        self._before: dict[str, str | None] = {}

    def enter(self, job_type: str) -> None:
        """The process works on a job of this type from here on."""
        for name, value in self._before.items():
            variables.pop(name, None)
            if value is not None:
                variables[name] = value
        own = self._by_type.get(job_type, {})
        self._before = {name: variables.get(name) for name in own}
        variables.update(own)


def confinement(
    settings: Settings, roots: Sequence[str], *, sockets: Sequence[str], check: Callable[[], None]
) -> Confinement:
    """The rights of this worker's children.

    ``sockets``: folders of the database's socket. ``check`` runs once under these rights, in a process of its own, and
    raises where a child would not be able to work. Then the children keep the worker's account, and the log says why.
    """
    limits = Confinement(
        memory=_memory(settings.values["child_memory_mb"] << 20, MemoryGroup().limit()) or None,
        file_size=settings.values["child_file_size_mb"] << 20 or None,
    )
    account = _account(settings.values["child_account"])
    if account is None:
        return limits
    confined = replace(limits, account=account, grants=tuple(_grants(account, settings, roots, sockets)))
    reason = "an input root is /" if "/" in roots else sandbox.refusal(confined, check)
    if reason is None:
        return confined
    log.warning("children keep the account of root: %s", reason)
    return limits


def _memory(wanted: int, group: int | None) -> int:
    """Bytes of address space that a child may use; 0: no limit. ``group``: what the worker's control group may use."""
    if group is None or wanted <= (most := max(group, LEAST_OF_GROUP)):
        return wanted
    log.info("child processes may use %d MB of memory: that is the limit of this worker's control group", most >> 20)
    return most


def _account(wanted: str | None) -> Account | None:
    """Who the children of root's worker are; None: who the worker is."""
    if os.geteuid() != 0 or not kernel.LINUX:
        return None
    import pwd

    for name in [wanted] if wanted else ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid) if entry.pw_uid else None
    if wanted:
        raise ConfigError(f"no account {wanted!r} to run jobs as", hint="the setting child_account")
    return None


def _grants(account: Account, settings: Settings, roots: Sequence[str], sockets: Sequence[str]) -> Iterable[Grant]:
    """Where jobs read and write, then what a child needs and the account can't enter: interpreter, packages, socket.

    The folder in which the worker was started is among them, because a handler's relative paths lead there.
    """
    writable = [*roots, *_working_folder()]
    where = storage_location(settings)
    if "://" not in where:
        Path(where).mkdir(mode=0o700, parents=True, exist_ok=True)
        writable.append(str(Path(where).resolve()))
    yield from (Grant(folder) for folder in dict.fromkeys(writable) if Path(folder).is_dir())
    code = [sys.base_prefix, sys.prefix, *filter(None, sys.path), str(Path(__file__).parents[2])]
    apart = [str(Path(folder).resolve()) for folder in sockets]
    folders = dict.fromkeys([*(str(Path(folder).resolve()) for folder in code), *apart])
    for folder in folders:
        # a socket belongs to the server's account, which a folder around it does not show as the child's
        inside = folder not in apart and any(Path(folder).is_relative_to(other) for other in writable)
        if Path(folder).is_dir() and not inside and not view.can_enter(account, folder):
            yield Grant(folder, writable=False)


def _working_folder() -> Iterable[str]:
    """Not where a service manager or cron starts what has no folder of its own: that is not meant for jobs."""
    with suppress(OSError):  # it was deleted
        here = Path.cwd().resolve()
        if here not in (Path("/"), Path("~root").expanduser()):
            yield str(here)


def setup_for(setup: Mapping[str, object], confined: Confinement, workspace: Path) -> dict[str, object]:
    """What one child is sent: the same for all, and the right to use its own folder for temporary files."""
    if confined.account is not None:
        confined = replace(confined, grants=(*confined.grants, Grant(str(workspace.resolve()))))
    return {**setup, "confinement": confined.to_json()}
