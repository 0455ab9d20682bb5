"""Where the server of a home listens: a small file in the home, and the checks before a connection to it.

The file belongs to the owner of the home, so its content can be trusted as far as the home can. The folder of the socket
may lie in ``/tmp``: its name alone proves nothing.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from jobctl.core.errors import ConfigError, StoreUnavailable
from jobctl.core.trust import account_name
from jobctl.postgres.embedded.cluster import PORT, SOCKET
from jobctl.postgres.embedded.folders import require_own_folder
from jobctl.postgres.embedded.process import peer, works_in

FILE = "pg.server"


@dataclass(frozen=True, slots=True)
class Location:
    """The major version of the server, the account that it runs as, the folder of its socket."""

    major: int
    uid: int
    socket_dir: str

    @classmethod
    def read(cls, home: Path) -> Location | None:
        """What the last start wrote; None: nothing that can be used."""
        try:
            descriptor = os.open(home / FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            with os.fdopen(descriptor, encoding="utf-8") as source:
                found = json.loads(source.read(8192))
            return cls(int(found["major"]), int(found["uid"]), str(found["socket_dir"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, home: int) -> None:
        """Replaces the file in the home (a descriptor). Children of root may read it."""
        fresh = f"{FILE}.new-{os.getpid()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(fresh, flags, 0o644, dir_fd=home), "w", encoding="utf-8") as sink:
            os.fchmod(sink.fileno(), 0o644)  # whatever the umask
            sink.write(json.dumps(asdict(self)))
        os.rename(fresh, FILE, src_dir_fd=home, dst_dir_fd=home)

    def require_own_socket(self) -> None:
        """Raises ``ConfigError`` where the folder of the socket is not the server's alone, ``StoreUnavailable`` without one."""
        folder = Path(self.socket_dir)
        try:
            require_own_folder(folder, self.uid)
        except OSError as error:
            raise StoreUnavailable(f"the database is not running: {folder}: {error.strerror}") from error

    def require_own_server(self, descriptor: int, cluster: Path) -> None:
        """Raises ``ConfigError`` where another account serves a connection, ``StoreUnavailable`` where another server does.

        ``descriptor`` is that of the connection. The kernel reports the listening process and its working folder.
        """
        found = peer(descriptor)
        if found is None:
            return
        pid, uid = found
        if uid != self.uid:
            raise ConfigError(
                f"the server at {self.socket_dir}/{SOCKET} runs as {account_name(uid)}, not as {account_name(self.uid)}",
                hint="Somebody else's server answers there. Set JOBCTL_HOME to another folder.",
            )
        if works_in(pid, cluster) is False:
            raise StoreUnavailable(f"the server at {self.socket_dir}/{SOCKET} (port {PORT}) is not that of {cluster}")
