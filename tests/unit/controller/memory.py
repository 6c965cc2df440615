"""A Kubernetes API in memory: it keeps objects, counts their versions, and refuses as the real one does."""

from __future__ import annotations

import json
import re
from itertools import count
from typing import Any
from urllib.parse import parse_qs

from earlystop.controller.cluster import (
    APPROVALS,
    CHECKPOINTS,
    CONFIG_MAPS,
    DEFINITIONS,
    DEPLOYMENTS,
    GATEWAYS,
    GRPC_ROUTES,
    LEASES,
    METADATA_ONLY,
    POLICIES,
    PROPOSALS,
    ROUTES,
    SERVICES,
    SOURCES,
    VERDICTS,
    Cluster,
    Conflict,
    Manifest,
    NotFound,
    Resource,
)
from tests.unit.controller.server_side_apply import applied, merged

KINDS = (
    POLICIES,
    VERDICTS,
    SOURCES,
    CHECKPOINTS,
    APPROVALS,
    PROPOSALS,
    DEPLOYMENTS,
    SERVICES,
    ROUTES,
    GRPC_ROUTES,
    GATEWAYS,
    DEFINITIONS,
    CONFIG_MAPS,
    LEASES,
)
APPLY = "application/apply-patch+yaml"
LONG_AGO = "2001-01-01T00:00:00Z"


class Memory(Cluster):
    """The real Cluster over a dict of objects by path. `calls` says what was written, `lists` which kinds were listed
    whole; `fail` makes the next call of a method fail."""

    def __init__(self) -> None:
        self.objects: dict[str, Manifest] = {}
        self.calls: list[tuple[str, str]] = []
        self.lists: list[str] = []
        self._failures: dict[str, list[Exception]] = {}
        self._kinds = list(KINDS)
        self._versions = count(1)

    def put(self, resource: Resource, manifest: Manifest) -> Manifest:
        """Place an object as another client would."""
        metadata = manifest["metadata"]
        path = resource.path(metadata.get("namespace"), metadata["name"])
        self.objects[path] = self._versioned(manifest)
        return _sent(self.objects[path])

    def at(self, resource: Resource, namespace: str | None, name: str) -> Manifest:
        return self.objects[resource.path(namespace, name)]

    def serve(self, resource: Resource) -> None:
        """Serve objects of one more kind, as after the creation of its definition."""
        self._kinds.append(resource)

    def fail(self, method: str, *errors: Exception) -> None:
        self._failures.setdefault(method, []).extend(errors)

    async def _call(
        self, method: str, path: str, body: Manifest | None = None, content_type: str = "application/json"
    ) -> Manifest:
        path, _, query = path.partition("?")
        reads = method == "GET" or body == {}
        if not reads:
            self.calls.append((method, path))
        what = "APPLY" if content_type == APPLY else method
        if self._failures.get(what):
            raise self._failures[what].pop(0)
        if method == "GET" and path.startswith("/apis") and path.count("/") in (1, 3):
            return self._discovered(path)
        if method == "GET" and path.rpartition("/")[2] in {each.plural for each in self._kinds}:
            below = [each for key, each in sorted(self.objects.items()) if _is_below(path, key, each, query)]
            return _sent(_page(below, parse_qs(query)))
        if method == "POST":
            assert body is not None
            return self._create(f"{path}/{body['metadata']['name']}", body)
        status_only = path.endswith("/status")
        path = path.removesuffix("/status")
        if path not in self.objects and content_type == APPLY and "resourceVersion" not in (body or {})["metadata"]:
            assert body is not None
            self.objects[path] = self._versioned({key: body[key] for key in ("apiVersion", "kind", "metadata")})
        if path not in self.objects:
            raise NotFound(404, f"{path} not found")
        if method == "DELETE":
            assert body is not None
            return self._delete(path, body["preconditions"]["uid"])
        if method == "PUT":
            assert body is not None
            self._replace(path, body, status_only)
        if method == "PATCH" and content_type == APPLY:
            assert body is not None
            asked = parse_qs(query)
            manager, force = asked["fieldManager"][0], asked.get("force") == ["true"]
            present = self.objects[path]
            whole = body["kind"] == "Deployment"  # it has lists, and nobody manages its fields here
            after = merged(present, body) if whole else applied(present, body, manager, force=force)
            self.objects[path] = self._versioned(after)
        elif method == "PATCH" and not reads:
            assert body is not None
            self.objects[path] = self._versioned({**self.objects[path], **body})
        return _sent(self.objects[path])

    async def _exchange(
        self, method: str, path: str, body: Manifest | None, content_type: str, accept: str
    ) -> Manifest:
        found = await self._call(method, path, body, content_type)
        if accept != METADATA_ONLY:
            self.lists += [path.partition("?")[0].rpartition("/")[2]] * ("items" in found)
            return found
        return {**found, "items": [{"metadata": each["metadata"]} for each in found["items"]]}

    def _discovered(self, path: str) -> Manifest:
        """The groups with their versions, or the kinds of one group and version."""
        if path == "/apis":
            versions = {each.group: each.version for each in self._kinds if each.group}
            return {"groups": [{"name": group, "versions": [{"version": each}]} for group, each in versions.items()]}
        return {"resources": [{"name": each.plural} for each in self._kinds if path == f"/apis/{each.api_version}"]}

    def _create(self, path: str, body: Manifest) -> Manifest:
        if path in self.objects:
            raise Conflict(409, f"{path} already exists")
        self.objects[path] = self._versioned(body)
        return _sent(self.objects[path])

    def _replace(self, path: str, body: Manifest, status_only: bool) -> None:
        present = self.objects[path]
        if body["metadata"].get("resourceVersion") != present["metadata"]["resourceVersion"]:
            raise Conflict(409, f"{path}: the object has been modified")
        kept: dict[str, Any] = {"status": body["status"]} if status_only else {**body}
        self.objects[path] = self._versioned({**present, **kept})

    def _delete(self, path: str, uid: str) -> Manifest:
        if self.objects[path]["metadata"]["uid"] != uid:
            raise Conflict(409, f"{path}: the UID in the precondition is another one")
        return _sent(self.objects.pop(path))

    def _versioned(self, manifest: Manifest) -> Manifest:
        copied = _sent(manifest)
        copied["metadata"].setdefault("uid", f"uid-{next(self._versions)}")
        copied["metadata"].setdefault("creationTimestamp", LONG_AGO)
        copied["metadata"]["resourceVersion"] = str(next(self._versions))
        return copied


def _sent(manifest: Manifest) -> Manifest:
    """The same object at the other end of the wire."""
    received: Manifest = json.loads(json.dumps(manifest))
    return received


def _page(manifests: list[Manifest], query: dict[str, list[str]]) -> Manifest:
    """As many as are asked for, and where to go on."""
    begin = int(query.get("continue", ["0"])[0])
    end = begin + int(query.get("limit", [str(len(manifests))])[0])
    return {"items": manifests[begin:end], "metadata": {"continue": str(end)} if end < len(manifests) else {}}


def _is_below(path: str, key: str, manifest: Manifest, query: str) -> bool:
    """Whether an object is one of a collection, of all namespaces when the path names none, with the labels asked."""
    collection, _, _ = key.rpartition("/")
    everywhere = re.sub(r"/namespaces/[^/]+", "", collection)
    wanted = parse_qs(query).get("labelSelector", [""])[0]
    label, _, value = wanted.partition("=")
    present = manifest["metadata"].get("labels", {})
    labelled = not wanted or (present.get(label) == value if "=" in wanted else label in present)
    return path in (collection, everywhere) and labelled
