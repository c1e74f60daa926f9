"""The embedded servers, really started."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.runner.conftest import Watched, alive, until
from tipline.runner import child, secrets
from tipline.runner.osuser import _open_to_all
from tipline.runner.places import Places
from tipline.runner.processes import OWNER, ROLES
from tipline.runner.servers import Servers


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers in a deep directory that only its owner may enter."""
    closed = tmp_path_factory.mktemp("closed") / ("d" * 120)
    closed.mkdir(mode=0o700)
    servers = Servers(Places.of(closed / "state"), durable=False)
    servers.start()
    yield servers
    servers.stop()
    for left in (servers.places.run, servers.places.sockets):
        shutil.rmtree(left)


def connect(servers: Servers, role: str, password: str | None = None) -> psycopg.Connection:
    return psycopg.connect(
        host=str(servers.places.postgres_sockets),
        user=f"tipline_{role}",
        password=password or secrets.read(servers.places.secrets, f"db_{role}"),
        dbname="tipline",
    )


@pytest.mark.parametrize("role", ROLES)
def test_every_role_enters_with_its_own_password(servers: Servers, role: str) -> None:
    with connect(servers, role) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (f"tipline_{role}",)


@pytest.mark.parametrize("role", [*ROLES, "stranger"])
def test_no_role_enters_without_its_password(servers: Servers, role: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(servers, role, "guessed")


def test_no_role_can_make_roles_or_databases_or_pass_row_security(servers: Servers) -> None:
    with connect(servers, "owner") as connection:
        powers = connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'tipline_%'"
            " AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication)"
        ).fetchall()

    assert powers == []


def test_doors_may_not_make_tables(servers: Servers) -> None:
    with connect(servers, "public") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("CREATE TABLE public.notes (note text)")


@pytest.mark.parametrize("role", [role for role in ROLES if role != OWNER])
@pytest.mark.parametrize("attempt", ["SELECT lo_create(0)", "DO 'BEGIN PERFORM 1; END'", "CREATE TEMP TABLE mine ()"])
def test_doors_may_not_write_beside_the_tables_or_run_code(servers: Servers, role: str, attempt: str) -> None:
    with connect(servers, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(attempt)


def test_a_failing_statement_leaves_no_value_in_the_log(servers: Servers) -> None:
    with connect(servers, "owner") as connection:
        connection.execute("CREATE TEMP TABLE unique_things (thing text PRIMARY KEY)")
        connection.execute("INSERT INTO unique_things VALUES ('marked-word')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO unique_things VALUES ('marked-word')")
    with connect(servers, "owner") as connection, pytest.raises(psycopg.Error):
        connection.execute("SELECT 'marked-word'::uuid")

    log = servers.log.read_text()
    assert "marked-word" not in log
    assert "password authentication failed" in log or "redis" in log.lower()  # there is a log to look into


def test_nothing_listens_on_the_network(servers: Servers) -> None:
    with connect(servers, "owner") as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW archive_mode").fetchone() == ("off",)


def test_the_broker_refuses_rather_than_forgets(servers: Servers) -> None:
    import redis

    client = redis.Redis(unix_socket_path=str(servers.places.redis_socket))

    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert client.config_get("port") == {"port": "0"}
    client.close()


def test_postgres_never_runs_as_root(servers: Servers) -> None:
    pid = int((servers.places.postgres / "postmaster.pid").read_text().split("\n")[0])

    assert Path(f"/proc/{pid}").stat().st_uid != 0


def test_a_closed_directory_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    (tmp_path / "closed" / "inner").mkdir(mode=0o755)

    assert not _open_to_all(tmp_path / "closed" / "inner")
    assert _open_to_all(Path("/usr/bin"))


def test_servers_left_by_a_crash_are_ended_and_their_data_is_kept(tmp_path: Path) -> None:
    first = Servers(Places.of(tmp_path / "state"))
    commands = first.prepare()
    # As after a crash that took runner and watchdog: nobody is left who would stop them.
    left = [
        subprocess.Popen(
            command.argv,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=command.user.become if command.user else None,  # noqa: PLW1509
        )
        for command in commands
    ]
    assert until(first.answer)
    first.ensure_database()
    with connect(first, "owner") as connection:
        connection.execute("CREATE TABLE kept (word text)")

    second = Servers(Places.of(tmp_path / "state"))
    second.start()
    try:
        with connect(second, "owner") as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
        assert [process.wait(5) is not None for process in left] == [True, True]
    finally:
        second.stop()
        shutil.rmtree(second.places.run)
        shutil.rmtree(second.places.sockets)


def test_test_servers_end_with_a_killed_test_run(watched: Callable[..., Watched]) -> None:
    program = """
import time
from pathlib import Path
from tipline.runner import testservers
with testservers.running() as environment:
    socket = Path(environment["TIPLINE_DB_HOST"])
    print("state", environment["TIPLINE_STATE_DIR"], flush=True)
    time.sleep(60)
"""
    run = watched([sys.executable, "-c", program])
    found = run.says(r"state (.+)")
    assert found
    state = Path(found[1])
    pid = int((state / "postgres" / "postmaster.pid").read_text().split("\n")[0])
    assert "postgres" in child.command_line(pid)

    run.end(signal.SIGKILL)

    assert until(lambda: not alive(pid))
