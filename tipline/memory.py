"""Keeping what a process holds in memory off every disk: no core file, and no swapping where that can be had."""

import ctypes
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

# <sys/prctl.h> and <sys/mman.h> of Linux.
_PR_SET_DUMPABLE = 4
_PR_SET_NAME = 15
LONGEST_NAME = 15  # bytes
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_SWAPS = Path("/proc/swaps")


def shut() -> None:
    """Write no core file, hand none to a collector, and let no other process of this user look in.

    A limit of zero stops the kernel from writing one; a collector (systemd-coredump) stops at the second call only.
    """
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def call_it(name: str) -> None:
    """Give this process a name that `ps` and `top` show: what it was started with, nobody may look up any more."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:LONGEST_NAME], 0, 0, 0)


def lock() -> bool:
    """Keep this process's memory from being swapped out; says whether it cannot be.

    A fork undoes it, so children call it again. Without the right to lock as much as it likes a process is left alone:
    with half of it, asking for memory would fail later, in the middle of somebody's tip.
    """
    if not swapping():
        return True
    unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY
    if sys.platform != "linux" or not (unlimited or os.geteuid() == 0):
        return False
    with suppress(OSError, AttributeError):
        return bool(ctypes.CDLL(None).mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0)
    return False


def swapping() -> bool:
    """Whether this machine swaps to something; where that cannot be known, it is taken to do so."""
    try:
        return len(_SWAPS.read_text().splitlines()) > 1
    except OSError:
        return True


def dumpable() -> bool:
    """Whether this process could leave a core file."""
    core_files = resource.getrlimit(resource.RLIMIT_CORE)[0] != 0
    if sys.platform != "linux":
        return core_files
    return core_files or ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 1
