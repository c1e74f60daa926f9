"""Whether files have changed since a step was last done with them."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stamp:
    """A file that remembers what the step was done with."""

    path: Path
    sources: tuple[Path, ...]

    def current(self) -> bool:
        """Whether nothing has changed since `renew`."""
        return self.path.exists() and self.path.read_text() == _fingerprint(self.sources)

    def renew(self) -> None:
        """The step has been done with the files as they are now."""
        self.path.write_text(_fingerprint(self.sources))


def _fingerprint(sources: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for source in sources:
        for file in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if file.is_file() and "__pycache__" not in file.parts:
                status = file.stat()
                digest.update(f"{file}\0{status.st_mtime_ns}\0{status.st_size}\n".encode())
    return digest.hexdigest()
