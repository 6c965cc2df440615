"""A way into an API server: a kubeconfig file, kubectl, cheap reads, and kubeconfig files of service accounts."""

from __future__ import annotations

import json
import subprocess
from functools import cached_property
from pathlib import Path
from typing import Any

from kubernetes import client, config
from urllib3.exceptions import HTTPError

from earlystop.controller.cluster import Resource
from tests.cluster.binaries import binary
from tests.cluster.credentials import write_kubeconfig
from tests.cluster.errors import ClusterError
from tests.cluster.processes import child_environment


class Access:
    """Who holds `kubeconfig` may do what it allows. `directory` takes caches and further kubeconfig files."""

    def __init__(self, kubeconfig: Path, directory: Path) -> None:
        self.kubeconfig = kubeconfig
        self.directory = directory

    @classmethod
    def from_current_context(cls, kubeconfig: str, directory: Path) -> Access:
        """Access to what KUBECONFIG's value (also several files) has as its current context, frozen in a copy."""
        path = directory / "current.kubeconfig"
        command = [str(binary("kubectl")), "config", "view", "--raw", "--minify", "--flatten"]
        done = subprocess.run(
            command, env=child_environment(KUBECONFIG=kubeconfig), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise ClusterError(f"KUBECONFIG={kubeconfig} has no usable current context: {done.stderr.strip()}")
        path.touch(mode=0o600)
        path.write_text(done.stdout)
        return cls(path, directory)

    @property
    def url(self) -> str:
        """The API server's address as the kubeconfig names it."""
        return str(self._cluster()["server"])

    def kubectl(self, *args: str, input: str | None = None, timeout_seconds: float = 60.0) -> str:
        """What `kubectl ARGS` printed. Raises ClusterError with its error output when it fails."""
        command = [str(binary("kubectl")), f"--cache-dir={self.directory / 'kubectl-cache'}", *args]
        environment = child_environment(KUBECONFIG=str(self.kubeconfig))
        try:
            done = subprocess.run(
                command, env=environment, input=input, capture_output=True, text=True, timeout=timeout_seconds
            )
        except subprocess.TimeoutExpired:
            raise ClusterError(f"`kubectl {' '.join(args)}` took longer than {timeout_seconds:.0f} s") from None
        if done.returncode != 0:
            raise ClusterError(f"`kubectl {' '.join(args)}` failed: {done.stderr.strip()}")
        return done.stdout

    def apply(self, *objects: dict[str, Any]) -> None:
        """Server-side apply of objects, so that also the largest CRDs fit."""
        manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", input=manifest)

    def install_crds(self, *paths: Path) -> None:
        """Apply files or directories that hold nothing but CRDs, and wait until these are served."""
        files = [f"--filename={path}" for path in paths]
        self.kubectl("apply", "--server-side", "--force-conflicts", *files)
        self.kubectl("wait", "--for=condition=Established", "--timeout=60s", *files)

    def get(self, *args: str) -> Any:
        """`kubectl get ARGS` as parsed JSON."""
        return json.loads(self.kubectl("get", *args, "--output=json"))

    def find(self, resource: Resource, namespace: str | None = None, name: str = "") -> Any:
        """An object, or a list of all in a namespace or (None) in the cluster, as JSON; None for one that is not there.

        For what is asked again and again: the connection stays open, where each kubectl would be a process of its own.
        Raises ClusterError for any other answer, and for none.
        """
        path = resource.path(namespace, name)
        request = self._client.param_serialize("GET", path, auth_settings=["BearerToken"])
        try:
            answer = self._client.call_api(*request, _request_timeout=10)
            text = answer.read()
        except HTTPError as error:
            raise ClusterError(f"GET {path} had no answer: {error}") from None
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise ClusterError(f"GET {path} was answered with {answer.status}: {text[:300]!r}")
        return json.loads(text)

    def read(self, resource: Resource, namespace: str | None = None, name: str = "") -> Any:
        """As `find`, of what has to be there: raises ClusterError if it is not."""
        found = self.find(resource, namespace, name)
        if found is None:
            raise ClusterError(f"{resource.path(namespace, name)} is not there")
        return found

    def items(self, resource: Resource, namespace: str | None = None) -> list[dict[str, Any]]:
        """All objects of a namespace, or (None) of the cluster, read as by `find`."""
        items: list[dict[str, Any]] = self.read(resource, namespace)["items"]
        return items

    @cached_property
    def _client(self) -> client.ApiClient:
        configuration = client.Configuration()
        config.load_kube_config(
            config_file=str(self.kubeconfig), client_configuration=configuration, persist_config=False
        )
        configuration.proxy = None  # it does not know the private network
        return client.ApiClient(configuration)

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """A kubeconfig with a real, expiring token of that service account: what RBAC lets it do holds."""
        token = self.kubectl("create", "token", name, f"--namespace={namespace}", "--duration=4h").strip()
        path = self.directory / f"{namespace}-{name}.kubeconfig"
        return write_kubeconfig(path, self._cluster(), token, namespace)

    def _cluster(self) -> dict[str, Any]:
        view = self.kubectl("config", "view", "--raw", "--minify", "--flatten", "--output=json")
        cluster: dict[str, Any] = json.loads(view)["clusters"][0]["cluster"]
        return cluster
