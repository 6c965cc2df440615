"""The images as operator/Containerfile makes them, without a registry: built by buildah from a Debian of their own.

`python -m tests.cluster.images` installs the tools where they are missing, builds both images into the cache and prints
their sizes; or it says why this machine cannot. A build after a change of code takes seconds.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from tests.cluster import debian
from tests.cluster.cache import CACHE, fetched, locked
from tests.cluster.errors import ClusterError
from tests.cluster.packaging import ROOT

LOCKS = {"operator": "operator/requirements.lock", "evaluator": "operator/evaluator.lock"}
TOOLS = ("buildah", "mmdebstrap", "runc")
_SUITE = "bookworm"
_BASE_PACKAGES = "usr-is-merged,python3,python3-venv,ca-certificates,libstdc++6"
_USER = "65532:65532"
_UNREAD = ("doc", "man", "locale")
_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
_IMAGES = CACHE / "images"
_HOW_OTHERWISE = "run `make test-images` once, outside of any private network, as root of a Debian or with {} in PATH"


def why_not() -> str | None:
    """Why no container can be built and run by this process, if so."""
    if os.geteuid() != 0:
        return "building and running a container needs root"
    if Path("/proc/self/uid_map").read_text().split()[2] == "1":
        return "building and running a container needs root of the machine, not of a user namespace with one user"
    return None


def install_tools() -> None:
    """Have apt install what is missing. Raises ClusterError where it cannot."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if not missing:
        return
    try:
        debian.install(missing)
    except ClusterError as error:
        raise ClusterError(f"{error}; {_HOW_OTHERWISE.format(', '.join(TOOLS))}") from None


def build(name: str) -> str:
    """The image of `operator` or `evaluator` of this checkout, by the id that names its content. Raises ClusterError
    with the end of what the build printed."""
    install_tools()
    with locked(_IMAGES / ".build"):
        arguments = {"BASE": _base_image(), "LOCK": LOCKS[name]}
        # The certificates that this machine trusts, so that its own way to the packages serves the build too.
        trusted = []
        if _AUTHORITIES.exists():
            arguments["PIP_CERT"] = "/trusted.crt"
            trusted = [f"--volume={_AUTHORITIES}:/trusted.crt:ro"]
        return _buildah(
            "build",
            "--quiet",
            "--layers",
            "--isolation=chroot",
            "--network=host",
            f"--signature-policy={_policy()}",
            *trusted,
            *(f"--build-arg={key}={value}" for key, value in arguments.items()),
            f"--file={ROOT / 'operator' / 'Containerfile'}",
            f"--tag=localhost/earlystop-{name}:{hashlib.sha256(bytes(ROOT)).hexdigest()[:12]}",
            str(ROOT),
        )


def inspect(image: str) -> dict[str, Any]:
    """What the image says of itself: `config` in the words of OCI, `size` in bytes, unpacked, `layers` by digest,
    the lowest first."""
    (listed,) = [each for each in json.loads(_buildah("images", "--all", "--json")) if image.startswith(each["id"])]
    described = json.loads(_buildah("inspect", "--type=image", image))["OCIv1"]
    number, unit = listed["size"].split()
    size = float(number) * {"KB": 1e3, "MB": 1e6, "GB": 1e9}[unit]
    return {"config": described["config"], "size": size, "layers": described["rootfs"]["diff_ids"]}


@contextmanager
def mounted(image: str) -> Iterator[Path]:
    """The image's files, in a container of their own that is removed in the end."""
    container = _buildah("from", f"--signature-policy={_policy()}", "--pull-never", image)
    try:
        yield Path(_buildah("mount", container))
    finally:
        _buildah("rm", container)


def save(base: str, name: str, archive: Path, program: Path | None = None) -> Path:
    """Writes the image `base`, or "scratch", as an archive that holds it under `name`, with `program` to run in it.
    Returns the archive."""
    install_tools()
    container = _buildah("from", f"--signature-policy={_policy()}", "--pull-never", base)
    try:
        if program is not None:
            _buildah("add", container, str(program), "/")
            entrypoint = json.dumps([f"/{program.name}"])
            _buildah("config", f"--user={_USER}", f"--entrypoint={entrypoint}", container)
        _buildah("commit", f"--signature-policy={_policy()}", "--quiet", container, f"docker-archive:{archive}:{name}")
    finally:
        _buildah("rm", container)
    return archive


def _base_image() -> str:
    recipe = f"{_SUITE} {_BASE_PACKAGES} {_UNREAD}"
    key = hashlib.sha256(recipe.encode()).hexdigest()[:12]
    image = f"localhost/earlystop-base:{key}"
    if image not in _buildah("images", "--format={{.Name}}:{{.Tag}}").splitlines():
        archive = fetched(_IMAGES / f"base-{key}.tar", _bootstrap)
        container = _buildah("from", "scratch")
        try:
            _buildah("add", container, str(archive), "/")
            _buildah("commit", f"--signature-policy={_policy()}", container, image)
        finally:
            _buildah("rm", container)
    return image


def _bootstrap(scratch: Path) -> Path:
    archive = scratch / "base.tar"
    options = [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in _UNREAD]
    _run(["mmdebstrap", "--variant=essential", f"--include={_BASE_PACKAGES}", *options, _SUITE, str(archive)])
    return archive


@cache
def _storage() -> tuple[str, ...]:
    """Where images lie; with copies of all files for each layer where the kernel does not stack this file system."""
    for driver in ("overlay", "vfs"):
        options = (f"--root={_IMAGES / driver}", f"--runroot={_IMAGES / driver / 'run'}", f"--storage-driver={driver}")
        if subprocess.run(["buildah", *options, "info"], capture_output=True).returncode == 0:
            return options
    raise ClusterError(f"buildah cannot store images in {_IMAGES}; name another folder by EARLYSTOP_CACHE")


def _policy() -> Path:
    """Images of this machine only, so nobody signs them."""
    path = _IMAGES / "policy.json"
    path.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    return path


def _buildah(*arguments: str) -> str:
    return _run(["buildah", *_storage(), *arguments])


def _run(command: list[str]) -> str:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise ClusterError(f"`{' '.join(command)}` failed; {_HOW_OTHERWISE.format(', '.join(TOOLS))}\n{tail}")
    return done.stdout.strip()


def main() -> None:
    """Build both, or say why not: a machine without root runs the other tests all the same."""
    if (reason := why_not()) is not None:
        print(f"no image is built: {reason}")
        return
    for name in LOCKS:
        print(f"{name}: {inspect(build(name))['size'] / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
