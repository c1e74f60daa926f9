"""The secrets of an installation: made once, one file each, never overwritten.

    python3 -m tipline.runner.secrets DIRECTORY

makes those of docker-compose.yml, with nothing installed but Python.
"""

import os
import secrets
import sys
from collections.abc import Iterable
from pathlib import Path

from tipline.runner.places import private_directory
from tipline.runner.processes import ROLES

# 32 random bytes as hex. What each is for is said in tipline/settings.py, who may see it in
# tipline.runner.processes.
KEYS = (
    "django_key",
    "receipt_pepper",
    "idempotency_pepper",
    "nonce_key",
    "epoch_mac",
    "vault_pepper",
    "contacts_key",
    "custodian_mac",
    "metrics_token",
    "page_code_key",
    "pager_event_private",
    "sms_gateway_token",
    "sms_gateway_secret",
    "twilio_token",
    "smtp_password",
)
PASSWORDS = ("db_superuser", *(f"db_{role}" for role in ROLES))
ALL = (*KEYS, *PASSWORDS)


def generate(directory: Path, names: Iterable[str] = ALL, *, mode: int = 0o600) -> list[str]:
    """Make the secrets that do not exist yet; returns their names.

    An existing file is never touched, whatever is in it: what was sealed under it needs it.
    """
    private_directory(directory)
    made = []
    for name in names:
        try:
            # O_EXCL: of two that start together, one makes the secret and the other reads it.
            descriptor = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        made.append(name)
    return made


def read(directory: Path, name: str) -> str:
    """One secret, without the line end of its file."""
    return (directory / name).read_text().strip()


def database_passwords(directory: Path) -> dict[str, str]:
    """The password of each database role."""
    return {role: read(directory, f"db_{role}") for role in ROLES}


if __name__ == "__main__":
    # Compose hands each file to its service as it is, and every service is another user. The
    # directory (0700) keeps everybody on this machine out; a service sees only its own files.
    os.umask(0o022)
    generate(Path(sys.argv[1]), mode=0o444)
