"""A way into an API server: a kubeconfig file, kubectl, cheap reads, and kubeconfig files of service accounts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from earlystop.controller.cluster import DEFINITIONS, NAMESPACES, Resource
from tests.cluster.binaries import binary
from tests.cluster.credentials import write_kubeconfig
from tests.cluster.errors import ClusterError
from tests.cluster.manifest_files import written_in
from tests.cluster.processes import child_environment, wait_until

NEVER_COLLECT = {"GOGC": "off", "GOMEMLIMIT": "512MiB"}
"""kubectl ends before it needs memory that it could find by collecting garbage: a quarter of its time."""
KIND_SECONDS = 5.0
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts")
METADATA_ALONE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
WAYS: Mapping[str, tuple[str, str, tuple[tuple[str, str], ...]]] = {
    "merge": ("PATCH", "application/merge-patch+json", ()),
    "apply": ("PATCH", "application/apply-patch+yaml", (("fieldManager", "people"), ("force", "true"))),
    "replace": ("PUT", "application/json", ()),
}
"""How an object is changed: as by `kubectl patch` and our command line, by server-side apply, by `kubectl edit`."""


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
        return str(self.cluster()["server"])

    def kubectl(self, *args: str, input: str | None = None, timeout_seconds: float = 60.0) -> str:
        """What `kubectl ARGS` printed. Raises ClusterError with its error output when it fails."""
        command = [str(binary("kubectl")), f"--cache-dir={self.directory / 'kubectl-cache'}", *args]
        environment = child_environment(KUBECONFIG=str(self.kubeconfig), **NEVER_COLLECT)
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
        """Server-side apply of objects, so that also the largest CRDs fit: as kubectl's, over a connection that stays
        open. Raises ClusterError for the first that is refused, or whose kind is not served within some seconds."""
        for each in objects:
            resource, is_namespaced = self._served(each["apiVersion"], each["kind"])
            namespace = each["metadata"].get("namespace", self._namespace) if is_namespaced else None
            path = resource.path(namespace, each["metadata"]["name"])
            options = [("fieldManager", "kubectl"), ("fieldValidation", "Strict"), ("force", "true")]
            content = {"Content-Type": "application/apply-patch+yaml"}
            status, text = self._answer("PATCH", path, each, content, options, seconds=60)
            if status not in (200, 201):
                raise ClusterError(f"apply of {path} was answered with {status}: {text[:2000].decode()}")

    def check_new(self, objects: Iterable[dict[str, Any]]) -> int:
        """Have the API server check new objects strictly, of which it stores none; returns how many there were. Over a
        connection that stays open, since kubectl sends at most 50 of many in a second. Raises ClusterError with every
        refusal."""
        options, content = [("dryRun", "All"), ("fieldValidation", "Strict")], {"Content-Type": "application/json"}
        checked, refusals = 0, list[str]()
        for each in objects:
            resource, is_namespaced = self._served(each["apiVersion"], each["kind"])
            path = resource.path(each["metadata"].get("namespace", self._namespace) if is_namespaced else None)
            status, text = self._answer("POST", path, each, content, options)
            checked += 1
            if status != 201:
                refusals.append(f"{path}/{each['metadata']['name']}: {status}: {text[:2000].decode()}")
        if refusals:
            raise ClusterError("\n".join(refusals))
        return checked

    def install_crds(self, *paths: Path) -> None:
        """Apply files or directories that hold nothing but CRDs, and wait until these are served. What stands as it was
        applied here before is left alone: an API server spends a second on a large definition."""
        crds = [each for path in paths for each in written_in(path) if not self._stands(each)]
        self.apply(*crds)
        waiting = {each["metadata"]["name"]: each for each in crds}

        def are_served() -> bool:
            while waiting:
                name = next(iter(waiting))
                stored = self.read(DEFINITIONS, None, name)
                if not _is_established(stored):
                    return False
                self._installed[name] = waiting.pop(name), stored["metadata"]["resourceVersion"]
            return True

        wait_until(are_served, 60.0, "the CRDs to be served")

    def _stands(self, crd: dict[str, Any]) -> bool:
        """Whether the CRD was installed from just this, and nobody has changed it since."""
        name = crd["metadata"]["name"]
        installed, version = self._installed.get(name, (None, ""))
        if installed != crd:
            return False
        status, text = self._answer("GET", DEFINITIONS.path(None, name), headers={"Accept": METADATA_ALONE})
        return status == 200 and json.loads(text)["metadata"]["resourceVersion"] == version

    def get(self, *args: str) -> Any:
        """`kubectl get ARGS` as parsed JSON."""
        return json.loads(self.kubectl("get", *args, "--output=json"))

    def find(self, resource: Resource, namespace: str | None = None, name: str = "") -> Any:
        """An object, or a list of all in a namespace or (None) in the cluster, as JSON; None for one that is not there.

        For what is asked again and again: the connection stays open, where each kubectl would be a process of its own.
        Raises ClusterError for any other answer, and for none.
        """
        path = resource.path(namespace, name)
        status, text = self._answer("GET", path)
        if status == 404:
            return None
        if status != 200:
            raise ClusterError(f"GET {path} was answered with {status}: {text[:300]!r}")
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

    def write(
        self,
        method: str,
        resource: Resource,
        namespace: str,
        name: str,
        body: dict[str, Any],
        *,
        subresource: str = "",
    ) -> int:
        """Create (POST, without a name) or merge into (PATCH) an object as `find` reads it, or a subresource as
        "status": for what is written a thousand times. Returns the HTTP status. Raises ClusterError when there is no
        answer."""
        path = resource.path(namespace, name, subresource)
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        status, _ = self._answer(method, path, body, {"Content-Type": kind})
        return status

    def create_namespace(self, name: str) -> None:
        """Create a namespace. Raises ClusterError where there is one of that name."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        content = {"Content-Type": "application/json"}
        status, text = self._answer("POST", NAMESPACES.path(None), body, content, seconds=60)
        if status != 201:
            raise ClusterError(f"namespace {name} was answered with {status}: {text[:2000].decode()}")

    def delete(self, resource: Resource, namespace: str | None, name: str) -> None:
        """Delete an object if it is there, without waiting for its end. Raises ClusterError for a refusal."""
        self._delete(resource.path(namespace, name))

    def delete_all(self, resource: Resource, namespace: str) -> None:
        """Delete all objects of a kind in a namespace, without waiting for their end. Raises ClusterError for a
        refusal."""
        self._delete(resource.path(namespace))

    def _delete(self, path: str) -> None:
        status, text = self._answer("DELETE", path, seconds=60)
        if status not in (200, 202, 404):
            raise ClusterError(f"DELETE {path} was answered with {status}: {text[:2000].decode()}")

    def refusal(
        self,
        user: str,
        resource: Resource,
        namespace: str,
        name: str,
        changes: dict[str, Any],
        impersonated: Mapping[str, str] | None = None,
        way: str = "merge",
    ) -> str:
        """What the API server says against a write of this user's, "" where it would take it: nothing is stored.
        way: one of WAYS, of which replacing takes the whole object. impersonated: more headers that say who asks.
        Raises ClusterError when there is no answer."""
        path = resource.path(namespace, name)
        method, content, options = WAYS[way]
        headers = {"Content-Type": content, "Impersonate-User": user, **(impersonated or {})}
        dry = [("dryRun", "All"), ("fieldValidation", "Strict"), *options]
        status, text = self._answer(method, path, changes, headers, dry)
        return "" if status == 200 else str(json.loads(text)["message"])

    def _answer(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        options: Sequence[tuple[str, str]] = (),
        *,
        seconds: float = 10,
    ) -> tuple[int, bytes]:
        """HTTP status and body of an answer. seconds: how long to wait for it. Raises ClusterError for none."""
        request = self._client.param_serialize(
            method,
            path,
            query_params=list(options),
            header_params=dict(headers or {}),
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            answer = self._client.call_api(*request, _request_timeout=seconds)
            return int(answer.status), answer.read()
        except HTTPError as error:
            raise ClusterError(f"{method} {path} had no answer: {error}") from None

    def _served(self, api_version: str, kind: str) -> tuple[Resource, bool]:
        """The resource of a kind, and whether its objects have a namespace, as the API server says."""
        group, _, version = api_version.rpartition("/")
        root = f"/apis/{api_version}" if group else f"/api/{version}"

        def is_known() -> bool:
            if (api_version, kind) not in self._kinds:
                status, text = self._answer("GET", root)
                for each in json.loads(text)["resources"] if status == 200 else ():
                    if "/" not in each["name"]:
                        found = Resource(group, version, each["name"]), bool(each["namespaced"])
                        self._kinds[api_version, each["kind"]] = found
            return (api_version, kind) in self._kinds

        wait_until(is_known, KIND_SECONDS, f"the kind {kind} of {api_version} to be served")
        return self._kinds[api_version, kind]

    @cached_property
    def _kinds(self) -> dict[tuple[str, str], tuple[Resource, bool]]:
        return {}

    @cached_property
    def _installed(self) -> dict[str, tuple[dict[str, Any], str]]:
        """By the name of a CRD, what it was installed from, and the resource version that it had then."""
        return {}

    @cached_property
    def _namespace(self) -> str:
        """Where objects go that name no namespace."""
        _, active = config.list_kube_config_contexts(str(self.kubeconfig))
        return str(active["context"].get("namespace", "default"))

    @cached_property
    def _client(self) -> client.ApiClient:
        configuration = client.Configuration()
        config.load_kube_config(
            config_file=str(self.kubeconfig), client_configuration=configuration, persist_config=False
        )
        configuration.proxy = None  # it does not know the private network
        # A new or changed CRD has its requests answered with 429 for a moment; an apply can be made twice.
        configuration.retries = Retry(3, allowed_methods={*(Retry.DEFAULT_ALLOWED_METHODS or ()), "PATCH"})
        return client.ApiClient(configuration)

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """A kubeconfig with a real, expiring token of that service account: what RBAC lets it do holds."""
        path = self.directory / f"{namespace}-{name}.kubeconfig"
        return write_kubeconfig(path, self.cluster(), self.service_account_token(namespace, name), namespace)

    def service_account_token(self, namespace: str, name: str) -> str:
        """A real token of that service account, for four hours."""
        path = SERVICE_ACCOUNTS.path(namespace, name, "token")
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 4 * 3600},
        }
        status, text = self._answer("POST", path, body, {"Content-Type": "application/json"})
        if status != 201:
            raise ClusterError(f"POST {path} was answered with {status}: {text[:2000].decode()}")
        return str(json.loads(text)["status"]["token"])

    def cluster(self) -> dict[str, Any]:
        """How the API server is reached and known, as in a kubeconfig's `clusters`."""
        written = yaml.safe_load(self.kubeconfig.read_text())
        contexts = {each["name"]: each["context"] for each in written["contexts"]}
        wanted = contexts[written["current-context"]]["cluster"]
        (cluster,) = [dict(each["cluster"]) for each in written["clusters"] if each["name"] == wanted]
        return cluster


def _is_established(crd: dict[str, Any]) -> bool:
    conditions = {each["type"]: each["status"] for each in (crd.get("status", {}).get("conditions") or ())}
    return conditions.get("Established") == "True"
