"""Rendering the chart and reading manifests, for the tests of both."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml

from earlystop.cli.files.yaml_values import SAFE_LOADER
from tests.cluster.binaries import binary
from tests.cluster.errors import ClusterError
from tests.cluster.processes import child_environment

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "earlystop"
MANIFESTS = ROOT / "manifests"


def helm(*args: str, kubeconfig: Path | None = None) -> str:
    """What helm printed. Raises ClusterError with its output when it fails."""
    environment = child_environment(**({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {}))
    command = [str(binary("helm")), *args]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise ClusterError(f"`helm {' '.join(args)}` failed: {done.stdout}")
    return done.stdout


def template(*args: str) -> str:
    """The chart as `make manifests` renders it, with further arguments."""
    # A helm that was built without release flags takes itself to be talking to Kubernetes 1.20.
    where = ("--namespace=earlystop-system", "--skip-tests", "--kube-version=1.30")
    return helm("template", "earlystop", str(CHART), *where, *args)


def objects(text: str) -> list[dict[str, Any]]:
    """The objects of a YAML text."""
    return [each for each in yaml.load_all(text, Loader=SAFE_LOADER) if each is not None]


def named(text: str, kind: str, name: str) -> dict[str, Any]:
    """The one object of that kind and name in a YAML text."""
    (found,) = [each for each in objects(text) if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found
