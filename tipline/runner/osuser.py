"""Giving up root before PostgreSQL, which refuses to run as root."""

import ctypes
import os
import pwd
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# <linux/prctl.h>, <linux/capability.h>
PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Data(ctypes.Structure):
    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


@dataclass(frozen=True)
class OsUser:
    """The account a server runs under. `reaches` lets it enter directories only root may enter."""

    uid: int
    gid: int
    reaches: bool = False

    def become(self) -> None:
        """Turn this process into that user for good. Called between fork and exec, by root."""
        if self.reaches:
            _call(_libc.prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.setgroups([])
        os.setgid(self.gid)
        os.setuid(self.uid)
        if self.reaches:
            # A clone under /root (0700) is out of reach for any other user. Opening /root to
            # everybody would be worse than one ambient capability for one server.
            bit = 1 << CAP_DAC_OVERRIDE
            data = (_Data * 2)(_Data(bit, bit, bit), _Data(0, 0, 0))
            _call(_libc.capset, ctypes.byref(_Header(CAPABILITY_VERSION_3, 0)), data)
            _call(_libc.prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def _call(function: "ctypes._NamedFuncPointer", *args: object) -> None:
    if function(*args) != 0:
        raise OSError(ctypes.get_errno(), "this root may not hand over CAP_DAC_OVERRIDE")


def die_with_parent(signal_number: int) -> None:
    """Ask the kernel to send this process a signal when the thread that started it ends."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def server_user(must_reach: Iterable[Path], *, owner_of: Path | None = None) -> OsUser | None:
    """Whom PostgreSQL should run as: None for "whoever we are", unless we are root.

    `must_reach` are the directories it has to enter and read; `owner_of` an existing data
    directory, whose owner is kept so that a second start can still read it.
    """
    if os.geteuid() != 0:
        return None
    account = _account(owner_of)
    reaches = any(not _open_to_all(path) for path in must_reach)
    return OsUser(account.pw_uid, account.pw_gid, reaches)


def _account(owner_of: Path | None) -> pwd.struct_passwd:
    if owner_of is not None and owner_of.exists() and owner_of.stat().st_uid != 0:
        return pwd.getpwuid(owner_of.stat().st_uid)
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise LookupError("PostgreSQL refuses to run as root, and there is no user 'nobody' to run it as")


def _open_to_all(path: Path) -> bool:
    """May any user enter every directory above `path`, and read and enter `path` itself?"""
    path = path.resolve()
    wanted = stat.S_IROTH | stat.S_IXOTH
    if path.exists() and path.stat().st_mode & wanted != wanted:
        return False
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents if parent.exists())
