"""Images of real Pods as archives that containerd imports: made from this checkout and the kit's binaries alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.cluster import images
from tests.cluster.binaries import binary, gateway_binary
from tests.cluster.cache import CACHE, fetched
from tests.pods.node_settings import PAUSE_IMAGE

OPERATOR, TAG = "localhost/earlystop-operator", "tests"
PROMETHEUS_IMAGE = "localhost/earlystop-prometheus:tests"
TRAEFIK_IMAGE = "localhost/earlystop-traefik:tests"
_ARCHIVES = CACHE / "images" / "archives"


def archives(scratch: Path) -> list[Path]:
    """One archive for each image. That of the operator, which follows every change of code, lies in `scratch`; others
    are made once. Raises ClusterError where that fails."""
    operator = images.save(images.build("operator"), f"{OPERATOR}:{TAG}", scratch / "operator.tar")
    programs = {PAUSE_IMAGE: binary("pause"), PROMETHEUS_IMAGE: binary("prometheus"), TRAEFIK_IMAGE: gateway_binary()}
    return [operator, *(_of_one_program(name, program) for name, program in programs.items())]


def _of_one_program(name: str, program: Path) -> Path:
    """An image that holds one program, linked statically, and runs it as a user without rights."""
    key = hashlib.sha256(f"{program} {program.stat().st_mtime_ns} {program.stat().st_size}".encode()).hexdigest()[:12]
    target = _ARCHIVES / f"{name.rpartition('/')[2].replace(':', '-')}-{key}.tar"
    return fetched(target, lambda folder: images.save("scratch", name, folder / "image.tar", program))
