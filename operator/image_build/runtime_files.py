"""Copies out of a base image what a Python process needs and nothing else: no shell, no package manager.

`python3 runtime_files.py TARGET` copies, with their symbolic links, the interpreter, its standard library, the shared
libraries that both are linked with, those that wheels may expect of every Linux, and the public certificate
authorities. Any base will do whose `ldd` can be executed.
"""

from __future__ import annotations

import compileall
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

# manylinux lets wheels link with these without shipping them; the first is also needed to end a thread.
EXPECTED_BY_WHEELS = (
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "libdl.so.2",
    "libm.so.6",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libutil.so.1",
)
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
# The loader finds libraries outside of the system's own folders by its cache.
LOADER_CACHE = Path("/etc/ld.so.cache")
# Tests, tools for developers, installers of packages, terminals, databases that nothing of ours uses, and what a
# distribution configures.
UNUSED = (
    *("__pycache__", "test", "tests", "idlelib", "lib2to3", "pydoc_data", "tkinter", "turtledemo"),
    *("config-*", "dist-packages", "distutils", "ensurepip", "site-packages", "sitecustomize.py"),
    *("_curses*", "curses", "_dbm.*", "_gdbm.*", "nis.*", "readline.*"),
)
# Where the container's runtime mounts something, and what a program may expect to be there.
FOLDERS = ("dev", "etc", "proc", "sys", "tmp", "var/run")


def libraries(binaries: Iterable[Path]) -> set[Path]:
    """The shared libraries, and the loader, that these binaries are linked with. Raises SystemExit where one of them
    is not to be found."""
    found: set[Path] = set()
    for binary in binaries:
        printed = subprocess.run(["ldd", binary], capture_output=True, text=True).stdout  # noqa: S603, S607
        missing = re.findall(r"(\S+) => not found", printed)
        if missing:
            sys.exit(f"{binary} needs {missing[0]}, which the base image does not have; install its package there")
        found.update(Path(path) for path in re.findall(r"(/\S+) \(0x", printed))
    return found


def library(name: str) -> Path:
    """Where the loader finds this library. Raises SystemExit where it finds none."""
    printed = subprocess.run(["ldconfig", "--print-cache"], capture_output=True, text=True).stdout  # noqa: S607
    for path in re.findall(rf"{re.escape(name)} \(.*\) => (/\S+)", printed):
        return Path(path)
    sys.exit(f"wheels need {name}, which the base image does not have; install its package there")


def copy(source: Path, target: Path) -> None:
    """Copy a file, or a folder without what is unused, below `target`, with every symbolic link on the way to it."""
    real = Path("/")
    parts = list(source.parts[1:])
    while parts:
        real = real / parts.pop(0)
        copied = target / real.relative_to("/")
        if real.is_symlink():
            link = real.readlink()
            copied.parent.mkdir(parents=True, exist_ok=True)
            if not copied.is_symlink():
                copied.symlink_to(link)
            parts = [*_parts_below_root(real.parent, link), *parts]
            real = Path("/")
    copied.parent.mkdir(parents=True, exist_ok=True)
    if real.is_dir():
        shutil.copytree(real, copied, symlinks=True, ignore=shutil.ignore_patterns(*UNUSED), dirs_exist_ok=True)
    else:
        shutil.copy2(real, copied)


def _parts_below_root(folder: Path, link: Path) -> Iterator[str]:
    """The components of a link's target, seen from the root; `..` is resolved."""
    resolved: list[str] = []
    for part in (folder / link).parts[1:]:
        resolved = resolved[:-1] if part == ".." else [*resolved, part]
    return iter(resolved)


def copy_runtime(target: Path) -> None:
    """Copy all of it into an empty folder, and compile the standard library there."""
    interpreter = Path(sys.executable)
    standard_library = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
    expected = [library(name) for name in EXPECTED_BY_WHEELS]
    for path in {interpreter, AUTHORITIES, LOADER_CACHE, *standard_library, *expected}:
        copy(path, target)
    modules = [path for path in target.rglob("*.so") if "lib-dynload" in path.parts]
    for path in libraries([interpreter, *modules, *expected]):
        copy(path, target)
    for folder in FOLDERS:
        (target / folder).mkdir(parents=True, exist_ok=True)
    (target / "tmp").chmod(0o1777)
    for folder in standard_library:
        # By a hash, which stays valid however the file is copied.
        compileall.compile_dir(
            target / folder.relative_to("/"),
            stripdir=target,
            quiet=1,
            optimize=2,  # as the image runs it
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    # Without it the C library asks the name server before /etc/hosts.
    (target / "etc/nsswitch.conf").write_text("hosts: files dns\n")


if __name__ == "__main__":
    copy_runtime(Path(sys.argv[1]))
