"""System calls of Linux that Python does not offer: process attributes, capabilities, mounts. No policy here."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from contextlib import suppress
from functools import cache

LINUX = sys.platform == "linux"

PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 24, 36, 38, 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
CAP_DAC_OVERRIDE = 1
CAP_KILL = 5
IDENTITY = (6, 7)
"""CAP_SETGID, CAP_SETUID."""
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_CAPABILITY = 63

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_REC, MS_PRIVATE, MS_NOSUID, MS_NODEV = 1 << 14, 1 << 18, 1 << 1, 1 << 2
_SYS_OPEN_TREE, _SYS_MOVE_MOUNT, _SYS_MOUNT_SETATTR = 428, 429, 442  # one number on every architecture
_OPEN_TREE_CLONE, _AT_EMPTY_PATH, _AT_RECURSIVE, _MOVE_MOUNT_F_EMPTY_PATH = 1, 0x1000, 0x8000, 4
_MOUNT_ATTR_RDONLY, _MOUNT_ATTR_IDMAP = 0x00000001, 0x00100000
_AT_FDCWD = -100


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def _prctl(option: int, *args: int) -> None:
    values = [ctypes.c_ulong(value) for value in (*args, 0, 0, 0, 0)[:4]]
    _checked(_libc().prctl(option, *values), f"prctl({option})")


def set_death_signal(number: int) -> None:
    """The kernel sends this signal when the parent dies. A change of account clears it: set it afterwards."""
    _prctl(PR_SET_PDEATHSIG, number)


def become_subreaper() -> None:
    """Descendants that lose their parent become children of this process instead of init's."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def forbid_new_privileges() -> None:
    """No program that this process or a descendant executes gains rights by set-user-ID or file capabilities."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def limit_capabilities(*kept: int) -> None:
    """Drops every capability from every set, except ``kept`` from the permitted and effective ones."""
    with suppress(OSError):  # a kernel without ambient capabilities
        _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    for capability in range(_LAST_CAPABILITY + 1):
        with suppress(OSError):  # not known to this kernel, or no right to drop what could not be gained either
            _prctl(PR_CAPBSET_DROP, capability)
    mask = sum(1 << capability for capability in kept)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    data = struct.pack("=6I", low, low, 0, high, high, 0)
    _checked(_libc().capset(header, data), "capset")


def set_filesystem_ids(uid: int, gid: int) -> None:
    """Access to files is checked as this account, until it is set back; the rights of root over files rest meanwhile."""
    _libc().setfsgid(gid)
    _libc().setfsuid(uid)


def unshare(flags: int) -> None:
    """Leaves the namespaces of the parent."""
    _checked(_libc().unshare(flags), "unshare")


def make_mounts_private() -> None:
    """What is mounted from here on is seen in this namespace only."""
    _checked(_libc().mount(None, b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None), "mount --make-rprivate /")


def mount_empty_folder(path: str) -> None:
    """Covers a folder with an empty one that everybody may enter."""
    flags = ctypes.c_ulong(MS_NOSUID | MS_NODEV)
    result = _libc().mount(b"tmpfs", os.fsencode(path), b"tmpfs", flags, b"mode=0755,size=1m")
    _checked(result, f"mount tmpfs {path}")


def clone_mount(path: str) -> int:
    """A descriptor of a detached mount that shows ``path``, with what is mounted below it."""
    flags = _OPEN_TREE_CLONE | _AT_RECURSIVE | os.O_CLOEXEC
    return _checked(_libc().syscall(_SYS_OPEN_TREE, _AT_FDCWD, os.fsencode(path), flags), f"open_tree {path}")


def map_owner(mount: int, user_namespace: int, *, read_only: bool) -> None:
    """Shows a detached mount through the id map of a user namespace."""
    attributes = _MOUNT_ATTR_IDMAP | (_MOUNT_ATTR_RDONLY if read_only else 0)
    request = struct.pack("=QQQQ", attributes, 0, 0, user_namespace)
    flags = _AT_EMPTY_PATH | _AT_RECURSIVE
    result = _libc().syscall(_SYS_MOUNT_SETATTR, mount, b"", flags, request, len(request))
    _checked(result, "mount_setattr")


def attach_mount(mount: int, path: str) -> None:
    """Puts a detached mount over ``path``."""
    flags = _MOVE_MOUNT_F_EMPTY_PATH
    _checked(_libc().syscall(_SYS_MOVE_MOUNT, mount, b"", _AT_FDCWD, os.fsencode(path), flags), f"move_mount {path}")
