"""Nothing of the kit outlives its owner, and what fails says why."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.cluster import binaries
from tests.cluster.cache import CACHE
from tests.cluster.errors import ClusterError
from tests.cluster.network import enter_private_network
from tests.cluster.older_prometheus import fetch, is_version, older_prometheus
from tests.cluster.processes import Child, is_running, wait_until

OWNER = """
import os, sys
from tests.cluster.control_plane import ControlPlane
with ControlPlane(nodes=True) as cluster:
    print(open(f"/proc/self/task/{os.getpid()}/children").read(), flush=True)
    sys.stdin.read()
"""


def test_a_killed_owner_leaves_no_process_and_no_files(tmp_path: Path) -> None:
    (tmp_path / "bin").symlink_to(CACHE / "bin")
    environment = {**os.environ, "EARLYSTOP_CACHE": str(tmp_path)}
    leftovers = sorted(Path("/tmp").glob("*kubelet*"))
    owner = subprocess.Popen([sys.executable, "-c", OWNER], env=environment, stdin=-1, stdout=-1, text=True)
    with owner:
        assert owner.stdout is not None
        children = [int(word) for word in owner.stdout.readline().split()]
        assert len(children) == 5, "etcd, API server, controllers, scheduler, node"
        assert all(is_running(pid) for pid in children)
        owner.kill()
    wait_until(lambda: not any(is_running(pid) for pid in children), 10, f"{children} to be gone")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "run"]
    assert list((tmp_path / "run").iterdir()) == []
    assert sorted(Path("/tmp").glob("*kubelet*")) == leftovers


def test_the_audit_log_names_who_wrote_what() -> None:
    script = """if True:
        from tests.cluster.control_plane import ControlPlane
        with ControlPlane(controllers=False, nodes=False, audit=True) as cluster:
            cluster.kubectl("create", "configmap", "written")
            print(cluster.audit_log.read_text())
    """
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line]
    wrote = [line for line in lines if line["user"]["username"] == "admin" and line["verb"] == "create"]
    assert [line["objectRef"]["name"] for line in wrote] == ["written"]


def test_a_server_that_dies_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    child = Child("server", ["sh", "-c", "echo the port is taken >&2; exit 3"], tmp_path)
    with pytest.raises(ClusterError, match=r"(?s)ended with code 3.*the port is taken"):
        child.wait_ready(lambda: False, 30)


def test_a_server_is_only_started_where_it_would_live(tmp_path: Path) -> None:
    errors: list[str] = []

    def start() -> None:
        try:
            Child("server", ["true"], tmp_path)
        except ClusterError as error:
            errors.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert errors == ["start server from the main thread: it would die with any other thread"]


def test_every_process_sees_its_own_empty_scratch_directory() -> None:
    directory = enter_private_network()
    (directory / "mine").touch()
    script = "from tests.cluster.network import enter_private_network as e; print(list(e().iterdir()))"
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert other.stdout == "[]\n"
    (directory / "mine").unlink()


def test_without_root_a_process_with_threads_learns_the_way_out() -> None:
    script = """if True:
        import os, threading
        from tests.cluster import network
        os.geteuid = lambda: 1000
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        try:
            network.enter_private_network()
        except network.ClusterError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "already has 2 threads" in done.stdout
    assert "unshare -rnm" in done.stdout


def test_a_broken_build_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "CACHE", tmp_path)
    monkeypatch.setitem(binaries.PACKAGES, "broken", "earlystop/tests/cluster/nothing-here")
    binaries._key_directory.cache_clear()
    try:
        with pytest.raises(ClusterError, match="nothing-here"):
            binaries.binary("broken")
        (directory,) = (tmp_path / "bin").iterdir()
        assert [path.name for path in directory.iterdir()] == [".lock"]
    finally:
        binaries._key_directory.cache_clear()


def test_a_missing_go_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "CACHE", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match=r"no `go` in PATH\. Install Go 1\.25"):
        binaries.binary("etcd")


def test_assets_of_the_caller_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(sys.executable, tmp_path / "etcd")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    assert binaries.binary("etcd") == tmp_path / "etcd"


def test_the_older_prometheus_is_of_its_version_and_a_machine_without_apt_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_version(older_prometheus(), "2.42") and not is_version(older_prometheus(), "2.4")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match=r"missing, as is apt-get; .* or put a Prometheus 2\.42 into PATH"):
        fetch(tmp_path)
