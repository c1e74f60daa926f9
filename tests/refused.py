"""What the table of rights does not give: every read and write that a role must be refused, as SQL.

Generated from the tables as they are in the database, so that a new table or column is closed to
everybody who is not named for it, and by hand where PostgreSQL has doors beside its tables.
"""

import re
from collections.abc import Iterator, Mapping

Tables = Mapping[str, list[str]]  # {table: its columns}

# No value is written and no row is touched: PostgreSQL looks at rights before it looks for rows.
WHOLE = {
    "DELETE": "DELETE FROM {table} WHERE false",
    "TRUNCATE": "TRUNCATE {table}",
    "LOCK": "LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
    "TRIGGER": "CREATE TRIGGER mine AFTER INSERT ON {table} EXECUTE FUNCTION triage_audit_refuse()",
    "ALTER": "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    "OWNER": "ALTER TABLE {table} OWNER TO CURRENT_USER",
    "POLICY": "CREATE POLICY mine ON {table} USING (true)",
    "DROP": "DROP TABLE {table}",
    "INDEX": "CREATE INDEX ON {table} ((1))",
}

# PostgreSQL runs these outside a transaction only.
ALONE = ("CREATE DATABASE", "CREATE SUBSCRIPTION", "ALTER SYSTEM")

# Beside the tables. `{other}` is another role.
NASTY = (
    "CREATE TABLE mine (id int)",
    "CREATE TEMP TABLE mine (id int)",
    "SELECT 1 INTO TEMP mine",
    "CREATE VIEW mine AS SELECT 1",
    "CREATE SCHEMA mine",
    "CREATE SEQUENCE mine",
    "CREATE TYPE mine AS (id int)",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'",
    "DO 'BEGIN PERFORM 1; END'",
    "CREATE EXTENSION dblink",
    "CREATE EXTENSION file_fdw",
    "CREATE EXTENSION pageinspect",
    "CREATE PUBLICATION mine FOR ALL TABLES",
    "CREATE SUBSCRIPTION mine CONNECTION 'host=away' PUBLICATION theirs",
    "CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION triage_audit_refuse()",
    "CREATE ROLE mine SUPERUSER",
    "CREATE DATABASE mine",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER ROLE CURRENT_USER BYPASSRLS",
    "ALTER ROLE tipline_{other} PASSWORD 'known'",
    "GRANT tipline_owner TO CURRENT_USER",
    "GRANT pg_read_all_data TO CURRENT_USER",
    "SET ROLE tipline_owner",
    "SET ROLE tipline_{other}",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION tipline_{other}",
    "SET session_replication_role = replica",
    "SET log_statement = 'all'",
    "SET track_activities = on",
    "ALTER SYSTEM SET archive_mode = on",
    "ALTER DATABASE {database} SET row_security = off",
    "COPY (SELECT 1) TO PROGRAM 'cat'",
    "COPY (SELECT 1) TO '/tmp/mine'",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_read_binary_file('global/pg_control')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_ls_waldir()",
    "SELECT pg_stat_file('PG_VERSION')",
    "SELECT pg_switch_wal()",
    "SELECT pg_create_physical_replication_slot('mine')",
    "SELECT pg_reload_conf()",
    "SHOW data_directory",
    "SHOW hba_file",
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_shadow",
    "SELECT * FROM pg_hba_file_rules",
    "SELECT * FROM pg_config",
    "SELECT * FROM pg_largeobject",
    "SELECT * FROM pg_statistic",
    "SELECT * FROM pg_user_mapping",
    "SELECT * FROM pg_backend_memory_contexts",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/mine')",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, '\\x00')",
    "SELECT lo_get(1)",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tipline_owner'",
    "DROP TRIGGER audit_append_only ON triage_auditentry",
    "DROP FUNCTION triage_audit_refuse()",
    "SELECT * FROM django_migrations",
)


def given(rights: str) -> dict[str, set[str] | None]:
    """Read one entry of the table of rights: {command: its columns, or None for all of them}."""
    found: dict[str, set[str] | None] = {}
    for command, columns in re.findall(r"([A-Z]+)(?: \(([^)]*)\))?", rights):
        found[command] = {name.strip() for name in columns.split(",")} if columns else None
    return found


def attempts(rights: Mapping[str, str], tables: Tables) -> Iterator[str]:
    """Return what a role of these rights must be refused on every table there is."""
    for table, columns in sorted(tables.items()):
        may = given(rights.get(table, ""))
        # A table one may write to may also be locked.
        allowed = set(may) | (
            {"LOCK"} if {"UPDATE", "DELETE"} & {name for name, only in may.items() if not only} else set()
        )
        yield from (sql.format(table=table) for name, sql in WHOLE.items() if name not in allowed)
        if "INSERT" not in may:
            yield f"INSERT INTO {table} DEFAULT VALUES"
        if not all(_covers(may, "SELECT", column) for column in columns):
            yield f"SELECT * FROM {table}"
        for column in columns:
            if not _covers(may, "SELECT", column):
                yield f"SELECT {column} FROM {table}"
                yield f"SELECT 1 FROM {table} WHERE {column} IS NULL"
            if not _covers(may, "UPDATE", column):
                yield f"UPDATE {table} SET {column} = DEFAULT WHERE false"


def _covers(may: Mapping[str, set[str] | None], command: str, column: str) -> bool:
    only = may.get(command, set())
    return only is None or column.strip('"') in only
