"""Prepare the database of an installation whose PostgreSQL runs elsewhere (docker-compose.yml).

    python -m tipline.runner.install [command line …]

makes roles and database with the superuser's password, then the tables, the grants and whatever
management commands are named. It may be repeated, and is, before every start.
"""

import os
import sys
import time
from pathlib import Path

from tipline.runner import database, secrets, steps
from tipline.runner.postgres import PORT

PATIENCE = 60.0  # seconds


def main(lines: list[str]) -> None:
    """Raises TimeoutError if PostgreSQL does not answer."""
    host = os.environ["TIPLINE_DB_HOST"]
    port = int(os.environ.get("TIPLINE_DB_PORT") or PORT)
    directory = Path(os.environ["TIPLINE_SECRETS_DIR"])
    superuser = secrets.read(directory, "db_superuser")
    until = time.monotonic() + PATIENCE
    while not database.answers(host, superuser, port):
        if time.monotonic() > until:
            raise TimeoutError(f"PostgreSQL at {host}:{port} did not answer within {PATIENCE:.0f} s")
        time.sleep(0.5)
    name = os.environ.get("TIPLINE_DB_NAME") or "tipline"
    database.ensure(host, superuser, secrets.database_passwords(directory), database=name, port=port)
    steps.main(["migrate --noinput", "grant_roles", *lines])


if __name__ == "__main__":
    main(sys.argv[1:])
