"""The database, its owner and one login role for each door, made by the superuser of the cluster."""

from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from tipline.runner.postgres import PORT, SUPERUSER
from tipline.runner.processes import OWNER, ROLES

# Whoever pages, or hears that a page was taken, may use the connections that nobody else can take up.
ENGINE = ("triage", "page", "pager", "watch")

# What PostgreSQL lets every role do unless somebody takes it away: write large objects, which no
# grant on a table covers, and run code of its own.
OPEN_TO_ALL = """
DO $$
DECLARE each regprocedure;
BEGIN
    FOR each IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace AND (proname ~ '^lo_' OR proname IN ('loread', 'lowrite'))
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', each);
    END LOOP;
END
$$;
REVOKE ALL ON LANGUAGE plpgsql, sql FROM PUBLIC;
"""


def answers(host: Path | str, password: str, port: int = PORT) -> bool:
    """Whether the cluster takes connections now."""
    try:
        with _connect(host, password, port=port):
            return True
    except psycopg.OperationalError:
        return False


def ensure(
    host: Path | str,
    superuser_password: str,
    passwords: Mapping[str, str],
    *,
    database: str = "tipline",
    port: int = PORT,
    tests: bool = False,
) -> None:
    """Create or correct the roles tipline_<role> and the database they share.

    `passwords` has one per name in ROLES. Tables and what each role may do with them are the
    business of `manage.py grant_roles`. With `tests`, the owner may create test databases, and put on
    the rights of the others.
    Safe to repeat.
    """
    with _connect(host, superuser_password, port=port) as connection:
        for role in ROLES:
            _ensure_role(connection, role, passwords[role], may_create=tests and role == OWNER)
        for role in ENGINE:
            engine = sql.Identifier(f"tipline_{role}")
            connection.execute(sql.SQL("GRANT pg_use_reserved_connections TO {}").format(engine))
        if tests:
            doors = sql.SQL(", ").join(sql.Identifier(f"tipline_{role}") for role in ROLES if role != OWNER)
            owner = sql.Identifier(f"tipline_{OWNER}")
            connection.execute(sql.SQL("GRANT {} TO {} WITH INHERIT FALSE").format(doors, owner))
        _ensure_database(connection, database)
    # The template too, so that a database made from it (tests, a restore) begins closed.
    for name in ("template1", database):
        with _connect(host, superuser_password, port=port, database=name) as connection:
            connection.execute(OPEN_TO_ALL)
            owner = sql.Identifier(f"tipline_{OWNER}")
            connection.execute(sql.SQL("GRANT USAGE ON LANGUAGE plpgsql, sql TO {}").format(owner))


def _connect(host: Path | str, password: str, *, port: int, database: str = "postgres") -> psycopg.Connection:
    return psycopg.connect(
        host=str(host), port=port, user=SUPERUSER, password=password, dbname=database,
        autocommit=True, connect_timeout=3,
    )  # fmt: skip


def _ensure_role(connection: psycopg.Connection, role: str, password: str, *, may_create: bool) -> None:
    name = sql.Identifier(f"tipline_{role}")
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [f"tipline_{role}"]).fetchone()
    if known is None:
        connection.execute(sql.SQL("CREATE ROLE {}").format(name))
    # The server is handed the verifier, so that the password is in no statement.
    verifier = connection.pgconn.encrypt_password(
        password.encode(), f"tipline_{role}".encode(), b"scram-sha-256"
    ).decode()
    connection.execute(
        sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS {} PASSWORD {}").format(
            name, sql.SQL("CREATEDB" if may_create else "NOCREATEDB"), sql.Literal(verifier)
        )
    )


def _ensure_database(connection: psycopg.Connection, database: str) -> None:
    name, owner = sql.Identifier(database), sql.Identifier(f"tipline_{OWNER}")
    known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
    if known is None:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    doors = sql.SQL(", ").join(sql.Identifier(f"tipline_{role}") for role in ROLES)
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, doors))
