"""PostgreSQL and Redis for a test run: thrown away afterwards, apart from any running Tipline.

`pytest -p tipline.runner.testservers` starts them unless TIPLINE_DB_HOST says that somebody else
did (`scripts/test` does, and every xdist worker inherits that).
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tipline.runner.places import MEMORY, Places
from tipline.runner.postgres import PORT
from tipline.runner.servers import Servers

PREFIX = "tipline-test-"
ROOM_NEEDED = 1 << 30  # bytes of memory to spare before the data goes there
DISK = Path(__file__).parents[2] / "var" / "test"


@contextmanager
def running() -> Iterator[dict[str, str]]:
    """Both servers, for as long as the block lasts; yields the environment that points to them."""
    with _directory() as directory:
        servers = Servers(Places.of(directory / "state"), durable=False)
        servers.start(tests=True)
        try:
            yield environment(servers.places)
        finally:
            servers.stop()
            for left in (servers.places.run, servers.places.sockets):
                shutil.rmtree(left, ignore_errors=True)


def environment(places: Places) -> dict[str, str]:
    """The environment of a test process: it owns the database and may create others."""
    return {
        "TIPLINE_ENV": "test",
        "TIPLINE_ROLE": "owner",
        "TIPLINE_STATE_DIR": str(places.state),
        "TIPLINE_SECRETS_DIR": str(places.secrets),
        "TIPLINE_RUN_DIR": str(places.run),
        "TIPLINE_DB_HOST": str(places.postgres_sockets),
        "TIPLINE_DB_PORT": str(PORT),
        "TIPLINE_DB_NAME": "tipline",
        "TIPLINE_BROKER_URL": places.broker_url,
    }


@contextmanager
def _directory() -> Iterator[Path]:
    """A directory for one run, in memory if there is room. Those of killed runs are removed."""
    base = _base()
    base.mkdir(parents=True, exist_ok=True)
    _sweep(base)
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    with (path / "lock").open("w") as lock:
        # Held while we live, whatever kills us: that is how a later run knows.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def _base() -> Path:
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM_NEEDED:
        return MEMORY
    return DISK


def _sweep(base: Path) -> None:
    for path in base.glob(f"{PREFIX}*/lock"):
        try:
            with path.open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                places = Places.of(path.parent / "state")
                for left in (places.run, places.sockets, path.parent):
                    shutil.rmtree(left, ignore_errors=True)
        except OSError:
            continue  # a run that lives, or somebody else's


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Start the servers before pytest-django reads the settings."""
    options = early_config.known_args_namespace
    if not ("TIPLINE_DB_HOST" in os.environ or options.version or options.help or options.collectonly):
        block = ExitStack()
        os.environ.update(block.enter_context(running()))
        early_config.add_cleanup(block.close)
    return (yield)
