"""Give up root before PostgreSQL starts, which refuses to run with it (Linux)."""

from __future__ import annotations

import ctypes
import os
import pwd
from pathlib import Path

# Constants of <linux/prctl.h> and <linux/capability.h>.
_PR_SET_KEEPCAPS = 8
_PR_CAPBSET_READ = 23
_PR_SET_SECUREBITS = 28
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2
_SECBIT_NO_SETUID_FIXUP = 4
_CAPABILITY_VERSION_3 = 0x20080522

_ACCOUNTS = ("campaign", "postgres", "nobody")

_libc = ctypes.CDLL(None, use_errno=True)


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilityData(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def is_root() -> bool:
    """Tell whether this process may do everything."""
    return os.geteuid() == 0


def database_account(cluster: Path) -> pwd.struct_passwd:
    """Return the account that runs the embedded PostgreSQL when we are root.

    The owner of an existing data directory goes first, so that the choice stays.
    """
    if cluster.exists() and cluster.stat().st_uid != 0:
        return pwd.getpwuid(cluster.stat().st_uid)
    for name in _ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise LookupError("nobody")


def become(account: pwd.struct_passwd, *, reach: tuple[Path, ...]) -> None:
    """Turn this process into the account for good.

    Where one of the paths to reach lies in folders closed to the account (a checkout
    below /root, say), the process keeps the one capability that opens them, rather
    than that we loosen the modes of folders which are not ours.
    """
    closed = not all(_is_open_to(path, account) for path in reach)
    capability = _reading_capability() if closed else None
    if capability is not None:
        _libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
        # Else access(2), by which PostgreSQL looks for its files, ignores it.
        _libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    if capability is not None:
        _keep(capability)
    os.environ["HOME"] = "/"
    os.environ["USER"] = os.environ["LOGNAME"] = account.pw_name


def _is_open_to(path: Path, account: pwd.struct_passwd) -> bool:
    """Tell whether the account may pass every folder above the path and enter it."""
    for folder in (path, *path.resolve().parents):
        status = folder.stat()
        if status.st_uid == account.pw_uid:
            needed = 0o100
        elif status.st_gid == account.pw_gid:
            needed = 0o010
        else:
            needed = 0o001
        if not status.st_mode & needed:
            return False
    return True


def _reading_capability() -> int | None:
    """Return the weakest capability at hand that passes closed folders."""
    for capability in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE):
        if _libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) == 1:
            return capability
    return None


def _keep(capability: int) -> None:
    """Hold one capability as an ordinary user, across exec as well."""
    bit = 1 << capability
    header = _CapabilityHeader(_CAPABILITY_VERSION_3, 0)
    data = (_CapabilityData * 2)(_CapabilityData(bit, bit, bit), _CapabilityData())
    if _libc.capset(ctypes.byref(header), data) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"capset: {os.strerror(number)}")
    _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0)
