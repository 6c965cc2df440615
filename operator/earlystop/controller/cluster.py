"""The Kubernetes API as plain objects in and out: typed models would drop fields that a newer server sends."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Awaitable
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio import client, config

from earlystop.controller.api_answers import error_in, object_in, preferred_first
from earlystop.controller.api_login import ApiLogin
from earlystop.controller.cluster_errors import FORBIDDEN, UNAUTHORIZED, ClusterError, Conflict, NotFound
from earlystop.controller.fairness.turns import FairTurns
from earlystop.controller.kubernetes_watch import WatchRefused, watch_events, watch_path
from earlystop.controller.paging import pages_of
from earlystop.controller.resources import (
    AGENTGATEWAY_BACKENDS,
    AI_GATEWAY_ROUTES,
    AI_SERVICE_BACKENDS,
    APPROVALS,
    BY_KIND,
    CHECKPOINTS,
    CONFIG_MAPS,
    DEFINITIONS,
    DEPLOYMENTS,
    DISRUPTION_BUDGETS,
    ENVOY_BACKENDS,
    EVENTS,
    FEATURE_FLAGS,
    GATEWAY_CLASSES,
    GATEWAYS,
    GRPC_ROUTES,
    INFERENCE_POOLS,
    KIND_OF,
    LEASES,
    NAMESPACES,
    NETWORK_POLICIES,
    PODS,
    POLICIES,
    PROPOSALS,
    ROUTES,
    SERVICES,
    SOURCES,
    VERDICTS,
    Manifest,
    Resource,
)
from earlystop.controller.status_layout import StatusLayout
from earlystop.delivery.object_key import ObjectKey

if TYPE_CHECKING:
    from earlystop.controller.cache.watch_cache import WatchCache

__all__ = [  # with the kinds and the errors, which commands take from where they stand
    "AGENTGATEWAY_BACKENDS",
    "AI_GATEWAY_ROUTES",
    "AI_SERVICE_BACKENDS",
    "APPROVALS",
    "BY_KIND",
    "CHECKPOINTS",
    "CONFIG_MAPS",
    "DEFINITIONS",
    "DEPLOYMENTS",
    "DISRUPTION_BUDGETS",
    "ENVOY_BACKENDS",
    "EVENTS",
    "FORBIDDEN",
    "GATEWAYS",
    "GATEWAY_CLASSES",
    "GRPC_ROUTES",
    "INFERENCE_POOLS",
    "KIND_OF",
    "LEASES",
    "METADATA_ONLY",
    "NAMESPACES",
    "NETWORK_POLICIES",
    "PAGE",
    "PODS",
    "POLICIES",
    "PROPOSALS",
    "READ_BY_PATCH",
    "REFUSED",
    "ROUTES",
    "SERVICES",
    "SOURCES",
    "TIMED_OUT",
    "TIMEOUT_SECONDS",
    "UNAUTHORIZED",
    "VERDICTS",
    "Cluster",
    "ClusterError",
    "Conflict",
    "Manifest",
    "NotFound",
    "Resource",
]

# How long one call may take. It is short since policies are looked at every few seconds.
TIMEOUT_SECONDS = 15.0
TIMED_OUT = TimeoutError.__name__  # what an error says of a call that had no answer in that time
# Requests under way at once. A burst of all policies would leave a hundred TLS connections open, each of which holds
# 100 KiB; the others wait for their turn, and their timeout has not begun. Namespaces take turns. An answer takes
# longer to be dealt with than to come, so that more at once would be no faster.
AT_ONCE = 8
# Objects of one answer to a list. An object may have 1.4 MiB: so many of them take 132 MiB while they are parsed.
PAGE = 20
# Of a list: the objects' metadata alone.
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
METADATA_OF_EVENTS = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
REFUSED = frozenset({400, FORBIDDEN, 422})  # by rights, by an admission policy, or by a webhook
# Of these the operator may read what it may write, and no others: it reads by a patch that changes nothing, to which
# the same admission policy applies. It has no right to get or to list them.
READ_BY_PATCH = frozenset({CONFIG_MAPS, FEATURE_FLAGS})
MERGE = "application/merge-patch+json"


class Cluster:
    """A connection to the API server, with the identity of the Pod's service account or of a kubeconfig.

    cache: what watches have shown, None where nothing is watched. It learns from every answer about a single object.
    injector_image: image of the injectors that may be run in this cluster, "" where none may.
    writes_gateway_objects: whether objects of a gateway's own may be made, for delivery.mode GatewayBody.
    inference_pools: whether injectors may send on to InferencePools.
    layout: in which layouts the API server has kept a policy's status; CRDs of earlier releases do not name all of
        its fields, and the server takes out what they do not name.
    """

    cache: WatchCache | None = None
    injector_image: str = ""
    writes_gateway_objects: bool = False
    inference_pools: bool = False
    layout: StatusLayout = StatusLayout()

    def __init__(self, api: client.ApiClient, login: ApiLogin | None = None) -> None:
        """login: what renews the credentials of `api`, None for what never does."""
        self._api, self.login = api, login
        self._turns = FairTurns(AT_ONCE)

    @classmethod
    async def connect(cls, context: str | None = None, kubeconfig: Manifest | None = None) -> Self:
        """Connect as the Pod's service account, else as KUBECONFIG says; with `context`, as KUBECONFIG says of it.
        kubeconfig: what KUBECONFIG says, where that is known.

        Raises ClusterError when there is neither.
        """
        try:
            login = await ApiLogin.find(context, kubeconfig)
        except config.ConfigException as error:
            message = f"neither a Pod's service account nor a usable kubeconfig; set KUBECONFIG ({error})"
            raise ClusterError(0, message) from None
        return cls(client.ApiClient(login.configuration), login)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._api.close()

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Manifest | None:
        """The object as the API server has it now, or None when there is none."""
        try:
            found = await self._found(resource, resource.path(namespace, name))
        except NotFound:
            return None
        self._note(resource, namespace, name, found)
        return found

    async def _found(self, resource: Resource, path: str) -> Manifest:
        if resource not in READ_BY_PATCH:
            return await self._call("GET", path)
        try:
            return await self._call("PATCH", path, {}, MERGE)
        except ClusterError as error:
            if error.status not in REFUSED:
                raise
            # Its owner does not allow the operator anything: that is all it knows of the object.
            namespace, name = path.rsplit("/", 3)[-3::2]
            return {"metadata": {"namespace": namespace, "name": name}}

    async def read(self, key: ObjectKey) -> Manifest | None:
        """The object as a watch last showed it, else as `get` gives it: None only if the API server has none.

        It may be decided on: a write that follows names the resourceVersion, and is refused if it is out of date.
        """
        found = self.cache.get(key) if self.cache is not None else None
        if found is not None:
            return found
        answer = await self.get(BY_KIND[key.kind], key.namespace, key.name)
        # What a watch has shown meanwhile may be newer than the answer.
        return (self.cache.get(key) if self.cache is not None else None) or answer

    async def list(self, resource: Resource, namespace: str | None = None, labels: str = "") -> list[Manifest]:
        """All objects of a kind, of one namespace or of all, with these labels. They do not repeat their kind."""
        return [each async for page in self.pages(resource, namespace, labels) for each in page]

    async def pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        labels: str = "",
        *,
        fields: str = "",
        at_once: int = PAGE,
        metadata_only: bool = False,
    ) -> AsyncIterator[builtins.list[Manifest]]:
        """As `list`, with these fields, in pages of at most so many objects, so that a caller never holds them all.
        metadata_only: without their specs and statuses, which are not sent either."""
        selectors = {"labelSelector": labels, "fieldSelector": fields}
        query = {"limit": at_once, **{name: value for name, value in selectors.items() if value}}
        accept = METADATA_ONLY if metadata_only else "application/json"

        def ask(path: str) -> Awaitable[Manifest]:
            return self._exchange("GET", path, None, "application/json", accept)

        async for page in pages_of(ask, resource.path(namespace), query):
            yield page

    async def versions(self) -> dict[str, builtins.list[str]]:
        """The versions that the API serves of each of its groups, the preferred one first."""
        found = await self._call("GET", "/apis")
        return {group["name"]: preferred_first(group) for group in found["groups"]}

    async def plurals(self, group: str, version: str) -> frozenset[str]:
        """The kinds that the API serves of a group and version, as its paths name them."""
        found = await self._call("GET", f"/apis/{group}/{version}")
        return frozenset(each["name"] for each in found["resources"])

    async def version_of_list(self, resource: Resource) -> str:
        """The resourceVersion of a list of all objects of a kind now, from which `changes` goes on."""
        found = await self._call("GET", f"{resource.path(None)}?limit=1")
        return str(found["metadata"]["resourceVersion"])

    async def changes(self, resource: Resource, version: str) -> AsyncIterator[Manifest]:
        """The events of all objects of a kind since this resourceVersion, with their metadata alone, until the API
        server ends the watch after some minutes. Raises ClusterError when there is no watch, or it breaks off."""
        async for event in self._watched(watch_path(resource.path(None), version), METADATA_OF_EVENTS):
            yield event

    async def changes_of(self, resource: Resource, namespace: str, found: Manifest) -> AsyncIterator[Manifest]:
        """The events of one object since it was found so, with the whole object."""
        metadata = found["metadata"]
        path = watch_path(resource.path(namespace), metadata["resourceVersion"], f"metadata.name={metadata['name']}")
        async for event in self._watched(path, "application/json"):
            yield event

    async def _watched(self, path: str, accept: str) -> AsyncIterator[Manifest]:
        try:
            async for event in watch_events(self._api, path, accept, TIMEOUT_SECONDS):
                yield event
        except WatchRefused as error:
            raise error_in(error.status, error.body) from None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise ClusterError(0, type(error).__name__) from None

    async def create(self, resource: Resource, namespace: str | None, manifest: Manifest) -> Manifest:
        """Create an object. Raises Conflict when its name is taken."""
        name = manifest["metadata"].get("name", "")  # a review has none
        return await self._written(resource, namespace, name, self._call("POST", resource.path(namespace), manifest))

    async def delete(self, resource: Resource, namespace: str | None, name: str, uid: str) -> None:
        """Delete an object. Raises Conflict when it has another UID, NotFound when there is none."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        await self._call("DELETE", resource.path(namespace, name), options)

    async def replace(
        self, resource: Resource, namespace: str | None, manifest: Manifest, subresource: str = ""
    ) -> Manifest:
        """Replace an object, or its subresource, if it still has the resourceVersion that `manifest` carries."""
        name = manifest["metadata"]["name"]
        path = resource.path(namespace, name, subresource)
        return await self._written(resource, namespace, name, self._call("PUT", path, manifest))

    async def merge(
        self, resource: Resource, namespace: str | None, name: str, changes: Manifest, manager: str = ""
    ) -> Manifest:
        """Apply a JSON merge patch, as this field manager. What carries a decision, unlike an event, is patched only
        with the resourceVersion that was read: raises Conflict when it has another."""
        path = resource.path(namespace, name) + (f"?{urlencode({'fieldManager': manager})}" if manager else "")
        return await self._call("PATCH", path, changes, MERGE)

    async def apply(self, resource: Resource, namespace: str | None, part: Manifest, manager: str) -> Manifest:
        """Let an object have these fields of this field manager and no others of its (server-side apply); all that
        others manage stays. Fields of another manager are taken over only where `part` names the resourceVersion that
        this was decided on: raises Conflict when the object has another one, and without one when fields are
        another's."""
        name, query = part["metadata"]["name"], {"fieldManager": manager}
        query |= {"force": "true"} if "resourceVersion" in part["metadata"] else {}
        whole = {"apiVersion": resource.api_version, "kind": KIND_OF[resource], **part}
        path = f"{resource.path(namespace, name)}?{urlencode(query)}"
        call = self._call("PATCH", path, whole, "application/apply-patch+yaml")
        return await self._written(resource, namespace, name, call)

    async def _written(
        self, resource: Resource, namespace: str | None, name: str, call: Awaitable[Manifest]
    ) -> Manifest:
        """The answer to a write. After a conflict what the cache has is out of date."""
        try:
            answer = await call
        except (Conflict, NotFound):
            if self.cache is not None and resource in KIND_OF:
                self.cache.drop(ObjectKey(KIND_OF[resource], namespace, name))
            raise
        self._note(resource, namespace, name, answer)
        return answer

    def _note(self, resource: Resource, namespace: str | None, name: str, answer: Manifest) -> None:
        if self.cache is not None and resource in KIND_OF:
            self.cache.note(ObjectKey(KIND_OF[resource], namespace, name), answer)

    async def _call(
        self, method: str, path: str, body: Manifest | None = None, content_type: str = "application/json"
    ) -> Manifest:
        return await self._exchange(method, path, body, content_type, "application/json")

    async def _exchange(
        self, method: str, path: str, body: Manifest | None, content_type: str, accept: str
    ) -> Manifest:
        renewals = self.login.renewals_tried if self.login is not None else 0
        status, data = await self._sent(method, path, body, content_type, accept)
        if status == UNAUTHORIZED and self.login is not None and await self.login.renew(renewals):
            status, data = await self._sent(method, path, body, content_type, accept)
        if status >= 400:
            raise error_in(status, data)
        answer = object_in(data)
        # managedFields, half of an object, says who wrote which field; a write without it leaves it as it is. Only for
        # policies does the operator read it, to learn who requests what.
        if POLICIES.plural not in path:
            answer.get("metadata", {}).pop("managedFields", None)
        return answer

    async def _sent(
        self, method: str, path: str, body: Manifest | None, content_type: str, accept: str
    ) -> tuple[int, bytes]:
        """Status and body of the answer. Raises ClusterError where there is none."""
        headers = {"Accept": accept, "Content-Type": content_type}
        # Without the body, which would be copied value by value in search of the library's models.
        request = await self._api.param_serialize(method, path, header_params=headers, auth_settings=["BearerToken"])
        method, url, headers = request[:3]
        try:
            async with self._turns.of():
                response = await self._api.call_api(method, url, headers, body, _request_timeout=TIMEOUT_SECONDS)
                return int(response.status), await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ClusterError(0, type(error).__name__) from None
