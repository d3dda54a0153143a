"""Become another program that dies with its parent, under root as another user; standard library only.

Runs as a file of its own, with an interpreter that imports nothing else:
`python -I -S launch.py PARENT DEATH_SIGNAL USER COMMAND...` (USER `-` keeps the present one).
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAPBSET_READ = 23
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2

libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> None:
    """Set up this process, then replace it by the command."""
    parent, death_signal, user, *command = arguments
    if user != "-" and os.geteuid() == 0:
        become(user)
    # The kernel forgets this setting when the user changes, so it comes after.
    if libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0) != 0:
        sys.exit("this process cannot be tied to its parent")
    if os.getppid() != int(parent):
        sys.exit("the parent is gone")
    if user != "-" and not os.access(command[0], os.X_OK):
        sys.exit(f"the user {user} cannot reach {command[0]}: a folder above it is closed; put it where all may enter")
    os.execvp(command[0], command)  # noqa: S606 - to become the command is what this program is for


def become(user: str) -> None:
    """Give up root but for one capability: to reach files below folders that only root may enter.

    The program needs its own files only, but these can lie below a folder such as /root, and opening that
    folder to everyone would be worse.
    """
    account = pwd.getpwnam(user)
    capability = reachable_capability()
    # access(2), which the database's programs ask, forgets capabilities of a user that is not root without the first.
    if libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) != 0:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    if capability is not None:
        keep_only(capability)


def reachable_capability() -> int | None:
    """Choose the smaller of two capabilities that this process may hand on; containers often lack one."""
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        if libc.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1:
            return capability
    return None


def keep_only(capability: int) -> None:
    """Keep one capability across the next exec."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    mask = 1 << capability
    data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    if libc.capset(header, data) == 0:
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
