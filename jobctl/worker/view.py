"""The file system as a child's account sees it: some folders are its own there, and nothing is changed on the disk.

Root's worker runs its children under an ordinary account. Storage, temporary folder, input roots and the database's socket
belong to others, the interpreter may lie in a home that others can't enter. A mount namespace of the child shows each of
these folders as if its owner were the account, so the child acts in it as that owner, and only in it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jobctl.worker import kernel


@dataclass(frozen=True, slots=True)
class Account:
    """Who a child is."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Grant:
    """A folder that the child's account uses as its owner would. It must exist."""

    path: str
    writable: bool = True


def enter(account: Account, grants: Iterable[Grant]) -> None:
    """Moves this process, which is root, into a mount namespace in which ``account`` can use the granted folders.

    Raises ``OSError`` where the kernel, a container or a file system refuses.
    """
    wanted = sorted(grants, key=lambda grant: grant.path)  # a folder comes before what is inside it
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.make_mounts_private()
    mounts = [(grant, _owned(account, grant)) for grant in wanted]  # before anything is covered
    for grant, mount in mounts:
        _make_reachable(account, grant.path)
        kernel.attach_mount(mount, grant.path)
        os.close(mount)


def can_enter(account: Account, path: str) -> bool:
    """Whether the account can enter a folder as things are."""
    kernel.set_filesystem_ids(account.uid, account.gid)
    try:
        os.stat(os.path.join(path, "."))  # noqa: PTH116, PTH118 - Path would drop the dot, which asks for entering
    except OSError:
        return False
    finally:
        kernel.set_filesystem_ids(os.geteuid(), os.getegid())
    return True


def _owned(account: Account, grant: Grant) -> int:
    """A detached mount of the folder in which its owner is the account."""
    mount = kernel.clone_mount(grant.path)
    facts = os.fstat(mount)
    with _user_namespace(f"{facts.st_uid} {account.uid} 1\n", f"{facts.st_gid} {account.gid} 1\n") as namespace:
        kernel.map_owner(mount, namespace, read_only=not grant.writable)
    return mount


@contextmanager
def _user_namespace(uids: str, gids: str) -> Iterator[int]:
    """A descriptor of a user namespace with these maps, which is made only for them."""
    ready, go = os.pipe()
    helper = os.fork()
    if helper == 0:
        try:
            kernel.unshare(kernel.CLONE_NEWUSER)
            os.write(go, b"1")
            signal.pause()
        finally:
            os._exit(1)
    os.close(go)
    try:
        if not os.read(ready, 1):
            raise PermissionError("no user namespace can be made")
        Path(f"/proc/{helper}/uid_map").write_text(uids)
        Path(f"/proc/{helper}/gid_map").write_text(gids)
        namespace = os.open(f"/proc/{helper}/ns/user", os.O_RDONLY)
    finally:
        os.close(ready)
        os.kill(helper, signal.SIGKILL)
        os.waitpid(helper, 0)
    try:
        yield namespace
    finally:
        os.close(namespace)


def _make_reachable(account: Account, path: str) -> None:
    """Covers the topmost folder above ``path`` that the account may not enter by an empty one with the way down."""
    above = [str(folder) for folder in reversed(Path(path).parents)]
    closed = next((folder for folder in above if not can_enter(account, folder)), None)
    if closed is not None:
        kernel.mount_empty_folder(closed)
    before = os.umask(0o022)
    Path(path).mkdir(parents=True, exist_ok=True)
    os.umask(before)
