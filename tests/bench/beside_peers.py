"""Other progressive-delivery controllers: how each is built, started and given objects that stay in analysis for ever.

Programs and definitions of kinds come from their own Go modules; only versions and checksums stand here. Every object
asks the same question of the same Prometheus, and no answer to it ends the analysis.
`python -m tests.bench.beside_peers` builds those that are missing, and prints their paths.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from earlystop.api.wire import ANSWERS, MATCH
from earlystop.controller.cluster import Resource
from tests.bench.scale_fleet import LOOK_SECONDS, SYSTEM, Manifest, namespace_of
from tests.cluster.access import Access
from tests.cluster.cache import CACHE, fetched
from tests.cluster.go_build import compile_packages, executable_name
from tests.cluster.go_modules import PinnedModule, directory_of

LOOKS_WITHOUT_END = 1_000_000
_IMAGE = "bench:none"
_AS_PUBLISHED = ("-trimpath", "-ldflags", "-s -w")


class Peer(ABC):
    """One of them.

    name: as people call it. module, package: what it is built from. definitions: files of its kinds in the module.
    begun: the kind whose status says that a first version is there. analyses: whose status says that an analysis goes
    on. changed: whose Pods' template is changed to begin one.
    """

    name: ClassVar[str]
    module: ClassVar[PinnedModule]
    package: ClassVar[str]
    definitions: ClassVar[tuple[str, ...]]
    begun: ClassVar[Resource]
    analyses: ClassVar[Resource]
    changed: ClassVar[Resource]

    @property
    def title(self) -> str:
        """Its name and version."""
        return f"{self.name} {self.module.version}"

    def program(self) -> Path:
        """Its controller, built where it is missing; a build that is cut off is gone on with the next time. Raises
        ClusterError where it cannot be built."""
        name = executable_name(self.package)
        return fetched(CACHE / "bin" / f"{name}-{self.module.version}" / name, partial(_build, self))

    def kinds(self) -> list[Path]:
        """Definitions of its kinds. Raises ClusterError where its module cannot be had."""
        return [directory_of(self.module) / each for each in self.definitions]

    @abstractmethod
    def options(self, kubeconfig: Path, prometheus: str) -> list[str]:
        """What follows the program's name. prometheus: a URL."""

    @abstractmethod
    def shared(self, prometheus: str) -> list[Manifest]:
        """What all objects share."""

    @abstractmethod
    def objects(self, number: int) -> list[Manifest]:
        """The objects of a number, from 0."""

    @abstractmethod
    def is_ready(self, found: Mapping[str, Any]) -> bool:
        """Whether an object of `begun` has a first version, so that a second one is analysed."""

    @abstractmethod
    def is_analysed(self, found: Mapping[str, Any]) -> bool:
        """Whether an object of `analyses` is in an analysis that has not ended."""

    def change(self, access: Access, number: int) -> None:
        """Begin the analysis of an object by a new version of its Pods' template."""
        fresh = {"spec": {"template": {"metadata": {"annotations": {"example.com/version": "2"}}}}}
        access.write("PATCH", self.changed, namespace_of(number), name_of(number), fresh)


def name_of(number: int) -> str:
    """What the object of this number is called, from 0."""
    return f"qa-{number:05}"


def question(policy: str) -> str:
    """The part of the last minute's answers of a candidate that were right, in PromQL. policy: namespace/name."""
    answers = f'policy="{policy}",variant="candidate"'
    right = f'{ANSWERS}{{{answers},result="{MATCH}"}}'
    return f"sum(rate({right}[1m])) / sum(rate({ANSWERS}{{{answers}}}[1m]))"


class ArgoRollouts(Peer):
    """A Rollout each, whose canary waits for an AnalysisRun; no router. Its options are the defaults."""

    name = "Argo Rollouts"
    module = PinnedModule(
        "github.com/argoproj/argo-rollouts", "v1.10.1", "h1:6oyVPGiHHxu3ixkT6mngemh88HLPDoTX1IwO6KNR1Y4="
    )
    package = "./cmd/rollouts-controller"
    definitions = tuple(
        f"manifests/crds/{kind}-crd.yaml"
        for kind in ("analysis-run", "analysis-template", "cluster-analysis-template", "experiment", "rollout")
    )
    begun = changed = Resource("argoproj.io", "v1alpha1", "rollouts")
    analyses = Resource("argoproj.io", "v1alpha1", "analysisruns")

    def options(self, kubeconfig: Path, prometheus: str) -> list[str]:
        return [f"--kubeconfig={kubeconfig}"]

    def shared(self, prometheus: str) -> list[Manifest]:
        metric = {
            "name": "right-answers",
            "interval": f"{LOOK_SECONDS}s",
            "count": LOOKS_WITHOUT_END,
            "failureLimit": LOOKS_WITHOUT_END,
            "successCondition": "result[0] >= 0",
            "provider": {"prometheus": {"address": prometheus, "query": question("{{args.policy}}")}},
        }
        # Its lease is in a namespace of this name wherever it is not told another by its Pod.
        home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argo-rollouts"}}
        template = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "ClusterAnalysisTemplate",
            "metadata": {"name": "answers"},
            "spec": {"args": [{"name": "policy"}], "metrics": [metric]},
        }
        return [home, template]

    def objects(self, number: int) -> list[Manifest]:
        policy = f"{namespace_of(number)}/{name_of(number)}"
        analysis = {
            "templates": [{"templateName": "answers", "clusterScope": True}],
            "args": [{"name": "policy", "value": policy}],
        }
        canary = {"canary": {"steps": [{"setWeight": 50}, {"analysis": analysis}]}}
        return [_pods("argoproj.io/v1alpha1", "Rollout", number, {"strategy": canary})]

    def is_ready(self, found: Mapping[str, Any]) -> bool:
        return bool(found.get("status", {}).get("phase") == "Healthy")

    def is_analysed(self, found: Mapping[str, Any]) -> bool:
        return bool(found.get("status", {}).get("phase") == "Running")


class Flagger(Peer):
    """A Canary each, provider `kubernetes`: iterations without a router. Its options are those of its own Deployment,
    but for the provider."""

    name = "Flagger"
    module = PinnedModule("github.com/fluxcd/flagger", "v1.44.0", "h1:JAb2mE3AAO5Y/JkfHy6xbFDPDPk9lGvqXwmtztNbdhw=")
    package = "./cmd/flagger"
    definitions = ("artifacts/flagger/crd.yaml",)
    begun = analyses = Resource("flagger.app", "v1beta1", "canaries")
    changed = Resource("apps", "v1", "deployments")

    def options(self, kubeconfig: Path, prometheus: str) -> list[str]:
        return [
            f"-kubeconfig={kubeconfig}",
            "-mesh-provider=kubernetes",
            f"-metrics-server={prometheus}",
            "-log-level=info",
        ]

    def shared(self, prometheus: str) -> list[Manifest]:
        spec = {
            "provider": {"type": "prometheus", "address": prometheus},
            "query": question("{{ namespace }}/{{ target }}"),
        }
        metadata = {"name": "answers", "namespace": SYSTEM}
        return [{"apiVersion": "flagger.app/v1beta1", "kind": "MetricTemplate", "metadata": metadata, "spec": spec}]

    def objects(self, number: int) -> list[Manifest]:
        metric = {
            "name": "right-answers",
            "templateRef": {"name": "answers", "namespace": SYSTEM},
            "thresholdRange": {"min": 0},
            "interval": "1m",
        }
        analysis = {
            "interval": f"{LOOK_SECONDS}s",
            "threshold": LOOKS_WITHOUT_END,
            "iterations": LOOKS_WITHOUT_END,
            "metrics": [metric],
        }
        spec = {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name_of(number)},
            "service": {"port": 80, "targetPort": 8080},
            "analysis": analysis,
        }
        metadata = {"name": name_of(number), "namespace": namespace_of(number)}
        canary = {"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "metadata": metadata, "spec": spec}
        return [_pods("apps/v1", "Deployment", number, {}), canary]

    def is_ready(self, found: Mapping[str, Any]) -> bool:
        return bool(found.get("status", {}).get("phase") == "Initialized")

    def is_analysed(self, found: Mapping[str, Any]) -> bool:
        return bool(found.get("status", {}).get("phase") == "Progressing")


PEERS: Sequence[Peer] = (ArgoRollouts(), Flagger())


def _pods(api_version: str, kind: str, number: int, more: Manifest) -> Manifest:
    """An object of one Pod, as a Deployment is one."""
    labels = {"app": name_of(number)}
    container = {"name": "server", "image": _IMAGE, "ports": [{"name": "http", "containerPort": 8080}]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template, **more}
    metadata = {"name": name_of(number), "namespace": namespace_of(number)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def _build(peer: Peer, scratch: Path) -> Path:
    compile_packages([peer.package], scratch, module=directory_of(peer.module), flags=_AS_PUBLISHED, what=peer.title)
    return scratch / executable_name(peer.package)


def every_object(peer: Peer, number: int) -> Iterator[Manifest]:
    """The objects of so many."""
    for each in range(number):
        yield from peer.objects(each)


if __name__ == "__main__":
    for one in PEERS:
        print(one.program())
