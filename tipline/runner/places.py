"""Where one installation of Tipline keeps things on this machine."""

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tipline.runner.osuser import OsUser

MEMORY = Path("/dev/shm")
SOCKET_PATH_LIMIT = 100  # sockaddr_un holds 107 bytes; leave room for a final byte and suffixes


class NotOurs(Exception):
    """A directory we need exists already and belongs to somebody else."""


@dataclass(frozen=True)
class Places:
    """The directories of one installation. `run` and `sockets` are lost at a restart of the machine."""

    state: Path
    run: Path
    sockets: Path
    secrets: Path

    @property
    def postgres(self) -> Path:
        return self.state / "postgres"

    @property
    def redis(self) -> Path:
        return self.state / "redis"

    @property
    def temporary(self) -> Path:
        """For temporary files: in memory like the keys, since a large body may pass through one."""
        return self.run / "tmp"

    @property
    def static(self) -> Path:
        return self.state / "static"

    @property
    def postgres_sockets(self) -> Path:
        return self.sockets / "pg"

    @property
    def redis_socket(self) -> Path:
        return self.sockets / "redis.sock"

    @property
    def broker_url(self) -> str:
        return f"redis+socket://{self.redis_socket}"

    @classmethod
    def of(cls, state: Path, *, run: Path | None = None, secrets: Path | None = None) -> "Places":
        """The places of the installation whose data is in `state`. Nothing is created yet.

        `run` holds the keys that must never reach a disk, so it is in memory (tmpfs) where the
        machine has one. Sockets have a directory of their own with a short name: a socket's path
        has at most 107 bytes, and a clone may lie deep.
        """
        state = state.resolve()
        name = "tipline-" + hashlib.sha256(os.fsencode(state)).hexdigest()[:10]
        in_memory = MEMORY.is_dir() and os.access(MEMORY, os.W_OK)
        volatile = MEMORY if in_memory else Path(tempfile.gettempdir())
        return cls(
            state=state,
            run=run or (MEMORY / name if in_memory else state / "run"),
            sockets=volatile / f"{name}.s",
            secrets=secrets or state / "secrets",
        )

    def create(self) -> None:
        """Make the directories, readable by this user alone."""
        self.state.mkdir(parents=True, exist_ok=True)
        for directory in (self.run, self.temporary, self.sockets, self.secrets):
            private_directory(directory)


def private_directory(path: Path, user: OsUser | None = None) -> Path:
    """Make `path` a directory that only this user may enter, or only `user` (root alone may ask).

    Raises NotOurs if somebody else made it first: /dev/shm and /tmp are open to everybody, so a
    name there proves nothing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        found = path.lstat()
        owners = {os.geteuid()} | ({user.uid} if user else set())
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
            raise NotOurs(f"{path} exists and is not a directory of this user") from None
        path.chmod(0o700)
    if user is not None:
        os.chown(path, user.uid, user.gid)
    return path
