"""What each process is told: as little as its role needs, and nothing of our own environment."""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tipline.runner.places import Places
from tipline.runner.postgres import PORT
from tipline.runner.processes import OWNER, PROCESSES, PYTHON, SMTP_DOOR, Process, named
from tipline.runner.secrets import ALL

HOST = "127.0.0.1"
KEPT = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV")  # of the environment scripts/up was started with
PASSED_ON = ("TIPLINE_ENV", "TIPLINE_WORKERS", "TIPLINE_THREADS", "TIPLINE_WORKER_HOST")
OUTBOX_DOOR = named("outbox").door or 0


@dataclass(frozen=True)
class Installation:
    """One Tipline on this machine: where its data is, and its first port."""

    places: Places
    port: int
    given: Mapping[str, str]  # the environment scripts/up was started with

    def url(self, door: int) -> str:
        return f"http://{HOST}:{self.port + door}"

    def command(self, process: Process) -> list[str]:
        """The whole command line of one process."""
        argv = [sys.executable if word == PYTHON else word for word in process.command]
        if process.name == "outbox":
            argv += [
                "--http",
                f"{HOST}:{self.port + OUTBOX_DOOR}",
                "--smtp",
                f"{HOST}:{self.port + SMTP_DOOR}",
            ]
            argv += ["--pager-url", self.url(named("pager").door or 0)]
            argv += ["--sms-token-file", self._secret("sms_gateway_token")]
            argv += ["--sms-secret-file", self._secret("sms_gateway_secret")]
            argv += ["--twilio-token-file", self._secret("twilio_token")]
        return argv

    def environment(self, process: Process) -> dict[str, str]:
        """The whole environment of one process."""
        told = self._common(process.role) | process.environment | self._secrets(process.secrets)
        if process.broker:
            told["TIPLINE_BROKER_URL"] = self.places.broker_url
        if process.door is not None:
            told[f"TIPLINE_{process.name.upper()}_BIND"] = f"{HOST}:{self.port + process.door}"
        if process.role == "public" and "TIPLINE_ONION_HOST" in self.given:
            told["TIPLINE_ONION_HOST"] = self.given["TIPLINE_ONION_HOST"]
        if "celery" in process.command and os.geteuid() == 0:
            # We have said so ourselves, in one line.
            told["PYTHONWARNINGS"] = "ignore:You're running the worker with superuser privileges"
        if process.outbound:
            told |= self._mail()
        if process.name == "watch":
            told |= self._canary()
        if process.outbound or process.role == "pager":
            told |= self._texts()
        return told

    def owner_environment(self) -> dict[str, str]:
        """For administrative commands, which may know everything."""
        return self._common(OWNER) | self._mail() | self._texts() | self._canary() | self._secrets(ALL)

    def _mail(self) -> dict[str, str]:
        """Where mail goes: the server the operator has named, or else the local outbox."""
        local = {"TIPLINE_SMTP_HOST": HOST, "TIPLINE_SMTP_PORT": str(self.port + SMTP_DOOR)}
        return self._operators("TIPLINE_SMTP_") or local

    def _canary(self) -> dict[str, str]:
        """Where the test tips go: the mailbox the operator has named, or the local outbox while mail goes there."""
        named = self._operators("TIPLINE_CANARY_", "TIPLINE_DEAD_MAN_", "TIPLINE_ADMIN_MAIL")
        local = {} if self._operators("TIPLINE_SMTP_") else {"TIPLINE_CANARY_MAIL": "canary@outbox.invalid"}
        return local | named

    def _texts(self) -> dict[str, str]:
        """Who sends SMS: the providers the operator has named, or else the local outbox as both."""
        outbox = self.url(OUTBOX_DOOR)
        local = {
            "TIPLINE_SMS_PROVIDERS": "gateway,twilio",
            "TIPLINE_SMS_GATEWAY_URL": f"{outbox}/sms",
            "TIPLINE_TWILIO_BASE_URL": outbox,
            "TIPLINE_TWILIO_ACCOUNT": "AC" + "0" * 32,
            "TIPLINE_TWILIO_FROM": "+15005550006",
        }
        # Never half of each: with a real gateway beside the outbox, every other page would stay here.
        return self._operators("TIPLINE_SMS_", "TIPLINE_TWILIO_") or local

    def _operators(self, *prefixes: str) -> dict[str, str]:
        secret = {f"TIPLINE_{name.upper()}" for name in ALL}
        return {
            name: value
            for name, value in self.given.items()
            if name.startswith(prefixes) and name.removesuffix("_FILE") not in secret
        }

    def _secrets(self, names: Iterable[str]) -> dict[str, str]:
        return {f"TIPLINE_{name.upper()}_FILE": self._secret(name) for name in names}

    def _secret(self, name: str) -> str:
        """The file of a secret: the operator's own, if one was named, or ours."""
        return self.given.get(f"TIPLINE_{name.upper()}_FILE") or str(self.places.secrets / name)

    def _common(self, role: str) -> dict[str, str]:
        told = {name: self.given[name] for name in KEPT if name in self.given}
        told |= {
            "PATH": f"{Path(sys.executable).parent}:{told.get('PATH', os.defpath)}",
            "TZ": "UTC",
            "TMPDIR": str(self.places.temporary),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "tipline.settings",
            "TIPLINE_ENV": "local",
            "TIPLINE_ROLE": role,
            "TIPLINE_STATE_DIR": str(self.places.state),
            "TIPLINE_SECRETS_DIR": str(self.places.secrets),
            "TIPLINE_RUN_DIR": str(self.places.run),
            "TIPLINE_DB_HOST": str(self.places.postgres_sockets),
            "TIPLINE_DB_PORT": str(PORT),
            "TIPLINE_DB_NAME": "tipline",
        }
        told |= {name: value for name, value in self.given.items() if name in PASSED_ON}
        for process in PROCESSES:
            if process.door is not None:
                told[f"TIPLINE_{process.name.upper()}_URL"] = self.url(process.door)
        return told
