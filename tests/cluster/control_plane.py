"""A real Kubernetes control plane in the private network: etcd, API server, controllers, one hollow node."""

from __future__ import annotations

import base64
import json
import shutil
import ssl
import tempfile
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from earlystop.controller.cluster import Resource
from tests.cluster import commands
from tests.cluster.access import Access
from tests.cluster.commands import NODE
from tests.cluster.credentials import write_kubeconfig, write_signing_key, write_token_file
from tests.cluster.network import enter_private_network
from tests.cluster.processes import COLLECT_SELDOM, Child
from tests.cluster.started import Started

NODES = Resource("", "v1", "nodes")
_START_SECONDS = 90.0  # a deadline for busy machines; an idle one needs about 4 s
# The API server closes its port at once but then waits for the watches of its clients, which never end.
_PATIENCE_SECONDS = 2.0


class ControlPlane(Started, Access):
    """Use as a context manager, once, from the main thread.

    controllers: kube-controller-manager (Deployments, EndpointSlices, garbage collection).
    nodes: also scheduler and a hollow node, on which every Pod is Running and Ready at once, at
    network.POD_ADDRESS, with nothing executed. Implies controllers. Such a Pod is Ready a moment before it has
    its address: wait for the EndpointSlice.
    crds: files or directories of CRDs to install before the controllers start, so that garbage collection knows
    them at once. audit: keep a line of JSON in `audit_log` for every request, or for those
    of the user of this name.
    """

    def __init__(
        self, *, controllers: bool = True, nodes: bool = True, crds: Sequence[Path] = (), audit: bool | str = False
    ) -> None:
        scratch = enter_private_network()
        directory = Path(tempfile.mkdtemp(prefix="control-plane-", dir=scratch))
        super().__init__(directory / commands.KUBECONFIG, directory)
        self._with_controllers = controllers or nodes
        self._with_nodes = nodes
        self._crds = tuple(crds)
        self._audit = audit
        self._authority = directory / commands.AUTHORITY
        self._token = write_token_file(directory / commands.TOKENS, "admin", "system:masters")
        write_signing_key(directory / commands.SIGNING_KEY)
        self._children: dict[str, Child] = {}

    @property
    def url(self) -> str:
        return commands.URL

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of its parts."""
        return tuple(child.pid for child in self._children.values())

    @property
    def audit_log(self) -> Path:
        """Who asked for what and what came of it (audit.k8s.io/v1 Events, level Metadata), with `audit`."""
        return self.directory / commands.AUDIT_LOG

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # In reverse: without its store the API server would linger for many seconds.
        for child in reversed(self._children.values()):
            child.stop(_PATIENCE_SECONDS)
        shutil.rmtree(self.directory, ignore_errors=True)

    def stop_api_server(self, *, abruptly: bool = False) -> None:
        """Stop the API server alone, with SIGKILL at once if `abruptly`. Its objects stay in etcd."""
        self._children["kube-apiserver"].stop(0.0 if abruptly else _PATIENCE_SECONDS)

    def start_api_server(self) -> None:
        """Start it again at the same address on the same data; returns when it is ready. Idempotent."""
        running = self._children.get("kube-apiserver")
        if running is None or not running.alive:
            command = commands.api_server(audit=bool(self._audit))
            self._run("kube-apiserver", command, ready=lambda: self._answers("/readyz"))

    def compact_store(self) -> None:
        """Let etcd forget all revisions but the last: who watches or lists from an earlier one has to begin anew."""
        found = self._ask_store("kv/range", {"key": base64.b64encode(b"/").decode()})
        self._ask_store("kv/compaction", {"revision": found["header"]["revision"], "physical": True})

    def _ask_store(self, path: str, question: dict[str, Any]) -> dict[str, Any]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{commands.ETCD}/v3/{path}", json.dumps(question).encode(), timeout=30) as response:
            answer: dict[str, Any] = json.load(response)
        return answer

    def restart_controllers(self) -> None:
        """Make garbage collection aware of new CRDs at once; by itself it looks for them every 30 s."""
        self._children["kube-controller-manager"].stop()
        self._run("kube-controller-manager", commands.controllers(), ready=self._default_account_exists)

    def _start(self) -> None:
        if self._audit:
            self._write_audit_policy()
        self._run("etcd", commands.etcd())
        self.start_api_server()
        authority = base64.b64encode(self._authority.read_bytes()).decode()
        cluster = {"server": commands.URL, "certificate-authority-data": authority}
        write_kubeconfig(self.kubeconfig, cluster, self._token)
        if self._crds:
            self.install_crds(*self._crds)
        if self._with_nodes:
            self._run("kube-scheduler", commands.scheduler())
            # The hollow kubelet leaves its root directory and a socket in /tmp, whatever TMPDIR says.
            self._run("kubemark", commands.node(), private_tmp=True)
        if self._with_controllers:
            self._run("kube-controller-manager", commands.controllers(), ready=self._default_account_exists)
        if self._with_nodes:
            self._children["kubemark"].wait_ready(self._node_is_ready, _START_SECONDS)

    def _run(
        self,
        name: str,
        command: commands.Command,
        *,
        ready: Callable[[], bool] | None = None,
        private_tmp: bool = False,
    ) -> None:
        child = self._children[name] = Child(
            name, command, self.directory, environment=COLLECT_SELDOM, private_tmp=private_tmp
        )
        if ready is not None:
            child.wait_ready(ready, _START_SECONDS)

    def _write_audit_policy(self) -> None:
        # One line when a request ends; a watch would add one when it begins.
        whose = {"users": [self._audit]} if isinstance(self._audit, str) else {}
        rules = {"rules": [{"level": "Metadata", **whose}], "omitStages": ["RequestReceived", "ResponseStarted"]}
        policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", **rules}
        (self.directory / commands.AUDIT_POLICY).write_text(json.dumps(policy))

    def _default_account_exists(self) -> bool:
        # Without it no Pod is admitted to the namespace.
        return self._answers("/api/v1/namespaces/default/serviceaccounts/default")

    def _node_is_ready(self) -> bool:
        if not self._answers(f"/api/v1/nodes/{NODE}"):
            return False
        node = self.read(NODES, None, NODE)
        conditions = {each["type"]: each["status"] for each in node["status"].get("conditions", [])}
        # A node is tainted until the controllers have seen that it is ready.
        return conditions.get("Ready") == "True" and not node["spec"].get("taints")

    def _answers(self, path: str) -> bool:
        try:
            context = ssl.create_default_context(cafile=str(self._authority))
            https = urllib.request.HTTPSHandler(context=context)
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), https)
            request = urllib.request.Request(commands.URL + path, headers={"Authorization": f"Bearer {self._token}"})
            with opener.open(request, timeout=5) as response:
                return bool(response.status == 200)
        except OSError:  # also TLS and HTTP errors, and an authority that is not there yet
            return False
