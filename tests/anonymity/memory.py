"""The memory of a running process, as a thief with the machine's root password reads it."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

PIECE = 64 << 20
OVERLAP = 4096
CAP_SYS_PTRACE = 19  # <linux/capability.h>


class NotReadable(Exception):
    """This user may not read that process's memory."""


def readable() -> bool:
    """Whether this user may read the memory of others' processes at all."""
    with suppress(OSError):
        found = re.search(r"^CapEff:\s*([0-9a-f]+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
        return found is not None and bool(int(found[1], 16) >> CAP_SYS_PTRACE & 1)
    return False


def pieces(pid: int, *, shared: bool = True) -> Iterator[bytes]:
    """Everything that a process may write: heap, stacks and, if asked for, what it shares. Raises NotReadable."""
    try:
        maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
        memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    except PermissionError:
        raise NotReadable(f"/proc/{pid}/mem") from None
    except (FileNotFoundError, ProcessLookupError):
        return
    try:
        for line in maps:
            span, rights, _, _, _, *name = line.split(maxsplit=5)
            unwanted = "w" not in rights or ("s" in rights and not shared)
            if unwanted or (name and name[0] in {"[vvar]", "[vsyscall]"}):
                continue
            begin, end = (int(part, 16) for part in span.split("-"))
            while begin < end:
                with suppress(OSError):
                    if found := os.pread(memory, min(PIECE, end - begin), begin):
                        yield found
                begin += PIECE - OVERLAP
    finally:
        os.close(memory)


def family(pid: int) -> list[psutil.Process]:
    """A process and everything below it."""
    try:
        leader = psutil.Process(pid)
        return [leader, *leader.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
