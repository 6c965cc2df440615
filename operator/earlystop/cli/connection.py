"""Which cluster and namespace a command is about: those of the kubeconfig's context, as with kubectl."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING

import yaml

from earlystop.api.wire import GROUP
from earlystop.cli.failure import CommandFailure
from earlystop.cli.files.metadata_check import NAME
from earlystop.cli.files.words import shown
from earlystop.cli.kubeconfig import namespace_in_kubeconfig, usable_kubeconfig
from earlystop.controller.api_answers import NOT_A_STATUS, NoKubernetesApi
from earlystop.controller.cluster_errors import ClusterError, NotFound
from earlystop.controller.resources import APPROVALS, EVENTS, POLICIES, VERDICTS, Manifest, Resource
from earlystop.system_trust import without_system_trust

if TYPE_CHECKING:
    from earlystop.controller.cluster import Cluster

NOT_SERVED = (NOT_A_STATUS, "the server could not find the requested resource")
"""What an API server says of a kind that it does not know: of a group, a page; of a kind within one, a Status."""
MISSING_RIGHT = " cannot "
"""Stands in RBAC's refusals, as in `User "x" cannot get resource "y"`; admission policies have words of their own."""
ABOUT_POLICIES = "involvedObject.kind=EarlyStopPolicy"
"""Selects events: a namespace has thousands about its Pods."""
EVENTS_AT_ONCE = 500
"""They are small, unlike policies and verdicts."""
MOST_HINTED = 3
"""Objects that a hint names."""
KINDS = {
    "earlystoppolicies": "policy",
    "earlystopverdicts": "verdict",
    "metricsources": "MetricSource",
    "leases": "Lease",
}


NO_ANSWER = {
    "ClientConnectorError": "nothing answers at the server's address in the kubeconfig",
    "ClientConnectorDNSError": "the host of the server's address in the kubeconfig is not known",
    "ClientConnectorCertificateError": "the server's certificate is not one that the kubeconfig trusts",
    "ClientConnectorSSLError": "the server's address in the kubeconfig does not speak TLS as expected",
    "ClientHttpProxyError": "the proxy that the environment names refused",
    "InvalidUrlClientError": "the server's address in the kubeconfig is no address",
    "ServerDisconnectedError": "the server ended the connection without an answer",
    "TimeoutError": "no answer came in time",
    "ConnectionTimeoutError": "no answer came in time",
    "ServerTimeoutError": "no answer came in time",
    "SocketTimeoutError": "no answer came in time",
}
"""Why there was no answer, by the name of the client library's error."""
NO_API = (
    "What answers at the server's address in the kubeconfig is no Kubernetes API. Log in again, or fix the address."
)
UNREADABLE = (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError)
"""What the client library raises for a kubeconfig that is a directory, no text, no YAML, or no kubeconfig."""
logging.getLogger("kubernetes.aio.config").setLevel(logging.CRITICAL)  # a sentence of the command's own says it better


@asynccontextmanager
async def connected(context: str | None) -> AsyncIterator[Cluster]:
    """A connection as a context of the kubeconfig says. Raises CommandFailure when there is none, or for what fails."""
    with without_system_trust():
        from earlystop.controller.cluster import Cluster  # here, since whoever names files would wait for the client

    kubeconfig = usable_kubeconfig(context)
    try:
        connecting = await Cluster.connect(context, kubeconfig)
    except ClusterError as error:
        raise CommandFailure(explained(error, "use", None)) from None
    except UNREADABLE as error:
        raise CommandFailure(_unusable(error)) from None
    async with connecting as cluster:
        try:
            yield cluster
        except NoKubernetesApi:
            raise CommandFailure(NO_API) from None


async def read_object(resource: Resource, namespace: str | None, context: str | None, name: str) -> Manifest:
    """One object. Raises CommandFailure when there is none, when it may not be read, or when its name is none."""
    async with connected(context) as cluster:
        return await read_from(cluster, resource, namespace_of(namespace, context), name)


async def read_from(cluster: Cluster, resource: Resource, namespace: str, name: str) -> Manifest:
    """As `read_object`, by a connection that is open."""
    _checked(name, "The name")
    try:
        found = await cluster.get(resource, namespace, name)
    except ClusterError as error:
        raise CommandFailure(explained(error, "get", namespace, resource)) from None
    except ValueError:
        raise CommandFailure(NO_API) from None
    if found is not None and not is_object(found, resource):
        raise CommandFailure(NO_API)
    if found is None:
        kind = KINDS.get(resource.plural, resource.plural)
        hint = await _hint(cluster, resource, namespace, name)
        raise CommandFailure(f"There is no {kind} {name} in namespace {namespace}; {hint}.")
    return found


def is_object(found: Manifest, resource: Resource) -> bool:
    """Whether an answer has the parts that a stored object of this kind has."""
    metadata = found.get("metadata")
    if resource.group != GROUP:
        return isinstance(metadata, dict)
    is_named = isinstance(metadata, dict) and {"name", "namespace"} <= metadata.keys()
    return is_named and isinstance(found.get("spec"), dict) and isinstance(found.get("status", {}), dict)


async def _hint(cluster: Cluster, resource: Resource, namespace: str, name: str) -> str:
    """What to do about an object that is not there: the end of a sentence."""
    try:
        listed = await cluster.list(resource, namespace)
    except NotFound:
        return f"this {_unserved(resource)}"
    except ClusterError:
        listed = []  # who may read one object may still not list them
    of_policy = [each for each in listed if resource == VERDICTS and (each.get("spec") or {}).get("policy") == name]
    if of_policy:
        latest = sorted(of_policy, key=lambda each: str(each["spec"].get("at", "")))[-MOST_HINTED:]
        names = ", ".join(each["metadata"]["name"] for each in reversed(latest))
        return f"{name} is a policy, and a verdict has a name of its own: of its latest ones, {names}"
    if resource == VERDICTS and await _is_policy(cluster, namespace, name):
        return f"{name} is a policy that has none yet, which `kubectl earlystop status {name} -n {namespace}` shows"
    others = sorted(each["metadata"]["name"] for each in listed)
    close = get_close_matches(name, others, n=1)
    if close or not others or resource == VERDICTS:
        return f"perhaps {close[0]} is meant" if close else "name another with --namespace"
    more = f" and {len(others) - MOST_HINTED} more" if len(others) > MOST_HINTED else ""
    return f"there are {', '.join(others[:MOST_HINTED])}{more}; name another namespace with --namespace"


async def _is_policy(cluster: Cluster, namespace: str, name: str) -> bool:
    """Whether there is a policy of this name; false where nobody says."""
    try:
        return await cluster.get(POLICIES, namespace, name) is not None
    except ClusterError:
        return False


async def list_objects(
    resource: Resource, namespace: str | None, context: str | None, *, if_served: bool = False
) -> list[Manifest]:
    """All objects of a kind, of one namespace or of all; of events those about policies. if_served: none where the
    cluster does not know the kind, as of an earlier release. Raises CommandFailure."""
    async with connected(context) as cluster:
        try:
            if resource != EVENTS:
                return await cluster.list(resource, namespace)
            pages = cluster.pages(EVENTS, namespace, fields=ABOUT_POLICIES, at_once=EVENTS_AT_ONCE)
            return [each async for page in pages for each in page]
        except ClusterError as error:
            if if_served and isinstance(error, NotFound):
                return []
            raise CommandFailure(explained(error, "list", namespace or "(all)", resource)) from None
        except (ValueError, KeyError, TypeError):
            raise CommandFailure(NO_API) from None


def explained(error: ClusterError, verb: str, namespace: str | None, resource: Resource | None = None) -> str:
    """What an API server's refusal means for a person, and what to do."""
    if error.status == 401:
        return f"The API server does not know you: {error.message}. Log in again, or name another --context."
    if error.status == 403 and resource is not None and MISSING_RIGHT in error.message:
        writing = "earlystop-approve" if resource == APPROVALS else "edit"
        role = "view" if verb in ("get", "list", "watch") else writing
        needed = f"The verb {verb} on {resource.plural}.{resource.group}, as in the role `{role}`, is needed."
        return f"Not allowed in namespace {namespace}: {error.message.rstrip('.')}. {needed}"
    is_of_no_object = verb in ("list", "watch") or error.message in NOT_SERVED
    if error.status == 404 and resource is not None and is_of_no_object:
        return f"This {_unserved(resource)}."
    if error.status in (403, 422):
        return f"The API server refuses it: {error.message.rstrip('.')}."
    if error.status == 0:
        return f"No Kubernetes API was reached: {NO_ANSWER.get(error.message, error.message)}."
    return f"The API server could not do it: {error}."


def _unserved(resource: Resource) -> str:
    """That a kind is not there, after "this"."""
    why = ": the operator's CRDs are not installed, or are of an earlier release" if resource.group == GROUP else ""
    return f"cluster knows no {resource.plural} at all{why}"


def namespace_of(namespace: str | None, context: str | None) -> str:
    """The namespace that was asked for, else that of the context, else `default`. Raises CommandFailure."""
    if namespace is not None:
        return _checked(namespace, "--namespace")
    usable_kubeconfig(context)
    return str(namespace_in_kubeconfig(context) or "default")


def _checked(name: str, what: str) -> str:
    """A name as Kubernetes takes it; any other would lead to another path of the API. Raises CommandFailure."""
    if not NAME.fullmatch(name):
        last = name.rpartition("/")[2]
        instead = f"{last} alone" if NAME.fullmatch(last) else "small letters, digits and hyphens"
        raise CommandFailure(f"{what}: {shown(name)} cannot be a name; write {instead}.")
    return name


def _unusable(error: Exception) -> str:
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return f"The kubeconfig cannot be used: {first}. Set KUBECONFIG to a file that kubectl can use."
