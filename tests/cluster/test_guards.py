"""A release that the cluster's own objects speak against is refused by the chart, before anything is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS
from tests.cluster.packaging import CHART, helm

DEFINITION = "earlystoppolicies.earlystop.dev"
FIRST, SECOND = "first-earlystop", "second-earlystop"
APART = "--set=crds.install=false"


@pytest.fixture(scope="module", autouse=True)
def namespaces(cluster: Cluster) -> Iterator[None]:
    """A namespace for each of two releases; CRDs of this version are there, and not Helm's."""
    cluster.access.install_crds(CRDS)
    for name in (FIRST, SECOND):
        cluster.access.create_namespace(name)
    yield
    cluster.access.kubectl("delete", "namespace", FIRST, SECOND, "--wait=false")


def try_install(cluster: Cluster, release: str, *settings: str) -> str:
    """What a server-side dry run of the install says; its checks are those of an install."""
    options = ("install", release, str(CHART), f"--namespace={release}", "--dry-run=server", *settings)
    return helm(*options, kubeconfig=cluster.access.kubeconfig)


@contextmanager
def marked(cluster: Cluster, kind: str, name: str, value: str) -> Iterator[None]:
    """The policies' CRD with another label or annotation while the block runs."""
    before = cluster.access.get("crd", DEFINITION)["metadata"].get(f"{kind}s", {}).get(name)
    patch = ("patch", "crd", DEFINITION, "--type=merge")

    def write(text: str | None) -> None:
        cluster.access.kubectl(*patch, f"--patch={json.dumps({'metadata': {f'{kind}s': {name: text}}})}")

    write(value)
    try:
        yield
    finally:
        write(before)


@pytest.mark.parametrize("version", ["0.0.9", "9.1.0-rc.1", "latest"])
def test_an_install_over_crds_of_another_version_says_which_and_changes_nothing(cluster: Cluster, version: str) -> None:
    says = f"The cluster's CRD {DEFINITION} is of version {version}, and this chart is of version 0.1.0. Nothing was"
    with marked(cluster, "label", "app.kubernetes.io/version", version):
        before = cluster.access.get("crd", DEFINITION)
        for setting in (APART, "--set=crds.install=true"):
            options = ("install", FIRST, str(CHART), f"--namespace={FIRST}", setting)
            with pytest.raises(ClusterError, match=says):
                helm(*options, kubeconfig=cluster.access.kubeconfig)
        assert cluster.access.get("crd", DEFINITION) == before
        assert not cluster.access.get("all,secrets,serviceaccounts", f"--namespace={FIRST}", "-l", "helm.sh/chart")[
            "items"
        ]


def test_an_upgrade_never_takes_newer_crds_back(cluster: Cluster) -> None:
    upgrade = ("upgrade", FIRST, str(CHART), f"--namespace={FIRST}", "--dry-run=server", "--set=crds.install=true")
    with (
        _installed(cluster, FIRST, APART),
        # As if this release had brought them.
        marked(cluster, "annotation", "meta.helm.sh/release-name", FIRST),
        marked(cluster, "annotation", "meta.helm.sh/release-namespace", FIRST),
        marked(cluster, "label", "app.kubernetes.io/version", "0.2.0"),
        pytest.raises(ClusterError, match=r"is of version 0\.2\.0, and this chart is of version 0\.1\.0"),
    ):
        helm(*upgrade, kubeconfig=cluster.access.kubeconfig)


def test_crds_of_another_release_are_not_taken_from_it(cluster: Cluster) -> None:
    with (
        marked(cluster, "annotation", "meta.helm.sh/release-name", "elsewhere"),
        marked(cluster, "annotation", "meta.helm.sh/release-namespace", "platform"),
        pytest.raises(
            ClusterError, match=f"The CRD {DEFINITION} belongs to the release elsewhere in namespace platform"
        ),
    ):
        try_install(cluster, FIRST)


def test_a_second_release_is_refused_where_both_would_serve_a_namespace_and_let_in_where_they_have_none_in_common(
    cluster: Cluster,
) -> None:
    says = f"The operator {FIRST} in namespace {FIRST} already serves "
    with _installed(cluster, FIRST, APART, f"--set=watchNamespaces={{{FIRST},default}}"):
        for settings in (["--set=watchNamespaces={default}"], []):
            with pytest.raises(ClusterError, match=f"{says}{FIRST}, default. Nothing was changed"):
                try_install(cluster, SECOND, APART, *settings)
        assert "STATUS: pending-install" in try_install(cluster, SECOND, APART, f"--set=watchNamespaces={{{SECOND}}}")
    with (
        _installed(cluster, FIRST, APART),
        pytest.raises(ClusterError, match=f"{says}all namespaces. Nothing was changed"),
    ):
        try_install(cluster, SECOND, APART, f"--set=watchNamespaces={{{SECOND}}}")


@contextmanager
def _installed(cluster: Cluster, release: str, *settings: str) -> Iterator[None]:
    where = f"--namespace={release}"
    helm("install", release, str(CHART), where, *settings, kubeconfig=cluster.access.kubeconfig)
    try:
        yield
    finally:
        helm("uninstall", release, where, "--wait", kubeconfig=cluster.access.kubeconfig)
