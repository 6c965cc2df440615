"""A private network and a private scratch directory for the current process and its children.

Every process has its own, so ports can be fixed and parallel test workers never meet. Both vanish with the
last process in them, also after a kill -9. Namespaces belong to threads: the main thread enters, threads that
it starts later are inside, threads that ran before (a library's pool) stay outside.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path

from pyroute2 import IPRoute  # type: ignore[import-untyped]

from tests.cluster.cache import CACHE
from tests.cluster.errors import ClusterError

NODE_ADDRESS = "10.244.0.1"
"""Where servers of the kit listen: EndpointSlices and API servers refuse loopback addresses."""
POD_ADDRESS = "192.168.192.168"
"""The address that kubemark's fake container runtime gives every Pod of a hollow node."""
_ADDRESSES = ((NODE_ADDRESS, 24), (POD_ADDRESS, 32))

_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
_MS_BIND, _MS_REC, _MS_PRIVATE, _MS_SHARED = 0x1000, 0x4000, 0x40000, 0x100000
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
_HOW_OTHERWISE = "start the command inside namespaces instead: unshare -rnm COMMAND, as in `unshare -rnm make test`"

_entered = False


def enter_private_network() -> Path:
    """Move this process into a network of its own; returns the private scratch directory. Idempotent.

    Raises ClusterError where the kernel does not allow it, or outside the main thread.
    """
    global _entered
    directory = CACHE / "run"
    if not _entered:
        if threading.current_thread() is not threading.main_thread():
            raise ClusterError("enter_private_network() must be called in the main thread: namespaces are per thread")
        directory.mkdir(parents=True, exist_ok=True)
        _unshare()
        _mount_scratch(directory)
        _configure_loopback()
        _entered = True
    return directory


def _unshare() -> None:
    user, group = os.geteuid(), os.getegid()
    flags = _CLONE_NEWNET | _CLONE_NEWNS
    if user != 0:
        threads = len(list(Path("/proc/self/task").iterdir()))
        if threads > 1:
            raise ClusterError(
                f"this process is not root and already has {threads} threads, so it cannot get a private "
                f"network; {_HOW_OTHERWISE}"
            )
        flags |= _CLONE_NEWUSER
    if _libc.unshare(flags) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise ClusterError(f"the kernel refuses a private network to this process ({reason}); {_HOW_OTHERWISE}")
    if user != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")


def replace_tmp_before_exec(directory: Path) -> Callable[[], None]:
    """For a child between fork and exec: show it `directory` as its /tmp, and nobody else."""
    source = bytes(directory)

    def replace_tmp() -> None:
        if _libc.unshare(_CLONE_NEWNS) != 0 or _libc.mount(source, b"/tmp", None, _MS_BIND, None) != 0:
            raise OSError(ctypes.get_errno(), "cannot give the child a private /tmp")

    return replace_tmp


def show_empty(directory: Path) -> None:
    """Show this process and its children an empty directory in the place of this one, once in its private network."""
    directory.mkdir(parents=True, exist_ok=True)
    _mount(b"tmpfs", bytes(directory), b"tmpfs", 0)


def share_mounts(directory: Path) -> None:
    """Let namespaces of mounts that are made of this one see what is mounted below `directory`, and this one theirs."""
    _mount(b"none", bytes(directory), None, _MS_SHARED)


def _mount_scratch(directory: Path) -> None:
    # Private first, or the mount would be seen by the whole machine.
    _mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE)
    _mount(b"tmpfs", bytes(directory), b"tmpfs", 0)


def _mount(source: bytes, target: bytes, kind: bytes | None, flags: int) -> None:
    if _libc.mount(source, target, kind, flags, None) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise ClusterError(f"cannot mount on {target.decode()} ({reason}); {_HOW_OTHERWISE}")


def _configure_loopback() -> None:
    with IPRoute() as route:
        index = route.link_lookup(ifname="lo")[0]
        route.link("set", index=index, state="up")
        for address, length in _ADDRESSES:
            route.addr("add", index=index, address=address, prefixlen=length)
