"""The built image starts, works and stops as the chart has it run: by runc, with the Pod's security and rights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from image_build.prune import OF_PEOPLE
from tests.cluster import images
from tests.cluster.containers import configuration, running
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS, policy
from tests.cluster.packaging import CHART, MANIFESTS, ROOT, helm, named
from tests.cluster.processes import wait_until

RELEASE = "image-test"
ACCOUNT = f"{RELEASE}-earlystop"
CREDENTIALS = "/var/run/kubeconfig"
GRACE_SECONDS = 30.0
LEFT_OUT = tuple(f"{name.replace('_', '-')}==" for name in OF_PEOPLE.values())
MOST_BYTES = 250e6

reason = images.why_not()
pytestmark = pytest.mark.skipif(reason is not None, reason=str(reason))


@pytest.fixture(scope="module")
def built() -> dict[str, str]:
    """The images of this checkout."""
    return {name: images.build(name) for name in images.LOCKS}


@pytest.fixture(scope="module")
def pod(cluster: Cluster) -> Iterator[dict[str, Any]]:
    """The spec of the operator's Pod, as the API server keeps it of an installed release."""
    cluster.access.install_crds(CRDS)
    namespace = named((MANIFESTS / "namespace.yaml").read_text(), "Namespace", "earlystop-system")
    cluster.access.apply({**namespace, "metadata": {**namespace["metadata"], "name": RELEASE}})
    where = f"--namespace={RELEASE}"
    try:
        install = ("install", RELEASE, str(CHART), where, "--set=crds.install=false")
        helm(*install, kubeconfig=cluster.access.kubeconfig)
        yield cluster.access.get("deployment", ACCOUNT, where)["spec"]["template"]["spec"]
        helm("uninstall", RELEASE, where, kubeconfig=cluster.access.kubeconfig)
    finally:
        cluster.access.kubectl("delete", "namespace", RELEASE, "--wait=false")


@pytest.fixture
def files(request: pytest.FixtureRequest, built: dict[str, str]) -> Iterator[Path]:
    """The files of the image that the test names, or of the operator's."""
    with images.mounted(built[getattr(request, "param", "operator")]) as path:
        yield path


def test_the_operator_starts_answers_a_policy_and_ends_when_asked(
    cluster: Cluster, namespace: str, pod: dict[str, Any], built: dict[str, str], files: Path, tmp_path: Path
) -> None:
    image = images.inspect(built["operator"])["config"]
    setup = configuration(pod, image, files, mounts={CREDENTIALS: credentials(cluster, tmp_path)})
    setup["process"]["env"].append(f"KUBECONFIG={CREDENTIALS}")
    with running("operator", tmp_path, setup) as operator:
        operator.wait_ready(lambda: answers("http://127.0.0.1:8080/readyz"), 60)
        held = status_of((tmp_path / "operator/pid").read_text())
        assert held["Uid"] == ["65532"] * 4
        assert (int(held["CapEff"][0], 16), int(held["CapBnd"][0], 16)) == (0, 0)
        assert (held["NoNewPrivs"], held["Seccomp"]) == (["1"], ["2"])  # a filter is in force
        refused = policy(namespace)
        refused["spec"]["metrics"]["sourceRef"]["name"] = "not-there"
        cluster.access.apply(refused)
        wait_until(lambda: "Accepted" in conditions(cluster, namespace), 30, "the policy's conditions")
        assert conditions(cluster, namespace)["Accepted"] == ("False", "SourceNotFound")
        operator.stop(GRACE_SECONDS)
        assert operator.exit_code == 0, operator.tail()


@pytest.mark.parametrize("files", ["evaluator"], indirect=True)
def test_the_evaluators_image_starts_by_the_command_of_the_example(
    pod: dict[str, Any], built: dict[str, str], files: Path, tmp_path: Path
) -> None:
    job = (MANIFESTS / "examples" / "evaluator.yaml").read_text()
    image = images.inspect(built["evaluator"])["config"]
    setup = configuration(pod, image, files, command=["python", "-m", "earlystop.evaluator", "--help"], mounts={})
    assert "command: [python, -m, earlystop.evaluator]" in job
    with running("evaluator", tmp_path, setup) as evaluator:
        wait_until(lambda: not evaluator.alive, 60, "the evaluator to print its help")
        assert evaluator.exit_code == 0, evaluator.tail()
        assert "--golden" in evaluator.log.read_text()


@pytest.mark.parametrize("name", images.LOCKS)
def test_an_image_is_small_and_runs_as_a_number(built: dict[str, str], name: str) -> None:
    described = images.inspect(built[name])
    assert described["size"] < MOST_BYTES
    assert described["config"]["User"] == "65532:65532"


def test_both_images_share_the_layer_of_the_interpreter_so_a_node_keeps_it_once(built: dict[str, str]) -> None:
    (operator, *_), (evaluator, *_) = (images.inspect(built[name])["layers"] for name in images.LOCKS)
    assert operator == evaluator


def test_an_image_holds_no_shell_no_users_and_no_installer(files: Path) -> None:
    held = {path.name for path in files.rglob("*")}
    assert held.isdisjoint({"sh", "bash", "dash", "passwd", "shadow", "apt", "dpkg", "pip", "setuptools", "ensurepip"})


@pytest.mark.parametrize("files", images.LOCKS, indirect=True)
def test_the_bill_of_materials_names_every_locked_package_and_the_library_that_encrypts(
    request: pytest.FixtureRequest, files: Path
) -> None:
    bill = json.loads((files / "app/sbom.cdx.json").read_text())
    purls = {each["purl"] for each in bill["components"]}
    lock = (ROOT / images.LOCKS[request.node.callspec.params["files"]]).read_text()
    pinned = [line.split(" ")[0] for line in lock.splitlines() if "==" in line and not line.startswith(LEFT_OUT)]
    assert {f"pkg:pypi/{each.replace('==', '@')}" for each in pinned} <= purls
    assert any(each.startswith("pkg:deb/debian/libssl3@3.") for each in purls)
    assert bill["bomFormat"] == "CycloneDX" and bill["specVersion"] == "1.5"


def credentials(cluster: Cluster, directory: Path) -> Path:
    """A kubeconfig with a token of the Pod's service account, which the container's user may read.

    A Pod's own way to the API server is a name and port 443, which need the cluster's DNS and kube-proxy.
    """
    path = directory / "kubeconfig"
    path.write_text(cluster.access.service_account_kubeconfig(RELEASE, ACCOUNT).read_text())
    path.chmod(0o644)
    return path


def answers(url: str) -> bool:
    """Whether it answers with 200."""
    with suppress(URLError, ConnectionError), urlopen(url, timeout=2) as answer:
        return bool(answer.status == 200)
    return False


def status_of(pid: str) -> dict[str, list[str]]:
    """What the kernel says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: rest.split() for name, rest in (line.split(":", 1) for line in lines)}


def conditions(cluster: Cluster, namespace: str) -> dict[str, tuple[str, str]]:
    """Status and reason of each condition of the policy, by its type."""
    status = cluster.access.get("earlystoppolicy", "qa", f"--namespace={namespace}").get("status", {})
    return {each["type"]: (each["status"], each["reason"]) for each in status.get("conditions", [])}
