"""A container as a kubelet has it made of a Pod, started by runc from an image's files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cluster.processes import Child

# The profile that containerd and CRI-O mean by RuntimeDefault, as Debian's container tools bring it.
_SECCOMP = Path("/usr/share/containers/seccomp.json")
_MASKED = ("/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug")
_READONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_TMPFS = ["nosuid", "nodev", "noexec", "mode=1777"]


def configuration(
    pod: Mapping[str, Any],
    image: Mapping[str, Any],
    root: Path,
    *,
    command: Sequence[str] = (),
    mounts: Mapping[str, Path],
) -> dict[str, Any]:
    """The runtime's configuration of the one container of a Pod's spec, with the security that the Pod asks for.

    `command` replaces the Pod's. `mounts` are files to show read-only, by their path in the container. The container
    shares the caller's network. Raises KeyError or ValueError for a Pod that leaves out a word on security.
    """
    (container,) = pod["containers"]
    secured = container["securityContext"]
    if secured["capabilities"] != {"drop": ["ALL"]} or pod["securityContext"]["runAsNonRoot"] is not True:
        raise ValueError("the Pod asks for more than these tests give")
    environment = [*image["Env"], *(f"{each['name']}={each['value']}" for each in container["env"])]
    volumes = {each["name"]: each for each in pod["volumes"]}
    folders = [each["mountPath"] for each in container["volumeMounts"] if "emptyDir" in volumes[each["name"]]]
    return {
        "ociVersion": "1.0.2",
        "hostname": "earlystop-0",
        "root": {"path": str(root), "readonly": secured["readOnlyRootFilesystem"]},
        "process": {
            "user": {"uid": pod["securityContext"]["runAsUser"], "gid": pod["securityContext"]["runAsGroup"]},
            "args": list(command) or [*container["command"], *container["args"]],
            "env": environment,
            "cwd": image["WorkingDir"],
            "capabilities": {kind: [] for kind in ("bounding", "effective", "permitted", "inheritable", "ambient")},
            "noNewPrivileges": not secured["allowPrivilegeEscalation"],
        },
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
            *({"destination": path, "type": "tmpfs", "source": "tmpfs", "options": _TMPFS} for path in folders),
            *(
                {"destination": path, "type": "bind", "source": str(source), "options": ["bind", "ro"]}
                for path, source in mounts.items()
            ),
        ],
        "linux": {
            "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")],
            "maskedPaths": list(_MASKED),
            "readonlyPaths": list(_READONLY),
            "seccomp": _seccomp(),
        },
    }


@contextmanager
def running(name: str, directory: Path, configuration: Mapping[str, Any]) -> Iterator[Child]:
    """A container, which is removed in the end; its signals are those of the given process, its output the log.

    The file `NAME/pid` of `directory` holds the process id, on this machine, of the first process within.
    """
    bundle = directory / name
    bundle.mkdir()
    (bundle / "config.json").write_text(json.dumps(configuration))
    runc = [shutil.which("runc") or "/usr/sbin/runc", f"--root={bundle / 'state'}"]
    identifier = f"{name}-{os.getpid()}"
    child = Child(name, [*runc, "run", f"--bundle={bundle}", f"--pid-file={bundle / 'pid'}", identifier], directory)
    try:
        yield child
    finally:
        child.stop()
        # Of a runc that had to be killed the container is left.
        subprocess.run([*runc, "delete", "--force", identifier], capture_output=True)


def _seccomp() -> dict[str, Any]:
    """The profile for a container without capabilities."""
    profile = json.loads(_SECCOMP.read_text())
    rules = [each for each in profile["syscalls"] if _holds(each.get("includes", {}))]
    kept = ("names", "action", "args", "errnoRet")
    return {
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": profile["defaultErrnoRet"],
        "architectures": _architectures(profile["archMap"]),
        "syscalls": [{key: each[key] for key in kept if each.get(key) is not None} for each in rules],
    }


def _holds(condition: Mapping[str, Any]) -> bool:
    arches = condition.get("arches")
    return not condition.get("caps") and (arches is None or _goarch() in arches)


def _architectures(known: Iterable[Mapping[str, Any]]) -> list[str]:
    own = {"amd64": "SCMP_ARCH_X86_64", "arm64": "SCMP_ARCH_AARCH64"}[_goarch()]
    return [own, *(each for row in known if row["architecture"] == own for each in row["subArchitectures"] or ())]


def _goarch() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
