"""One running Tipline for each state directory."""

import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tipline.runner import child


class AlreadyRunning(Exception):
    """Another runner has this state directory. Says which, and how to stop it."""


@dataclass
class Lock:
    """Held while a runner lives, and by its watchdog until nothing of it is left."""

    path: Path
    port: int
    patience: float = 30.0  # seconds to wait for the watchdog of a killed runner

    def __enter__(self) -> Self:
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        until = time.monotonic() + self.patience
        while not self._take():
            holder = self.holder(self.path)
            if holder is not None or time.monotonic() > until:
                raise AlreadyRunning(self._explain(holder))
            time.sleep(0.1)
        told = {"pid": os.getpid(), "born": child.birth(os.getpid()), "port": self.port}
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, json.dumps(told).encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.ftruncate(self.descriptor, 0)
        os.close(self.descriptor)

    @staticmethod
    def holder(path: Path) -> dict[str, int] | None:
        """The living runner that wrote itself into the file: its pid and its base port."""
        try:
            told = json.loads(path.read_text())
            born = child.birth(told["pid"])
        except (OSError, ValueError, KeyError):
            return None
        if born is None or born != told["born"]:
            return None
        return {"pid": int(told["pid"]), "port": int(told["port"])}

    def _take(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _explain(self, holder: dict[str, int] | None) -> str:
        if holder is None:
            return f"The last run is still being stopped, or something else holds {self.path}."
        return (
            f"Tipline is already running here, at http://127.0.0.1:{holder['port']}/ "
            f"(process {holder['pid']}).\n"
            f"Stop it with Ctrl-C in its terminal, or: kill {holder['pid']}"
        )
