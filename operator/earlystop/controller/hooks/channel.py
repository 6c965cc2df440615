"""Where and how a hook is told: by the HookTarget that it names, which is read anew for each occurrence."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import ValidationError

from earlystop.api.addresses import Network
from earlystop.api.hook_target import HookTargetSpec
from earlystop.api.source import SecretKey
from earlystop.api.wire import GROUP, VERSION
from earlystop.controller.cluster import Cluster, ClusterError, Resource
from earlystop.controller.counts.secrets import SecretReader
from earlystop.delivery.probes.session import tls_context
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.rollout.hooks.signature import UnusableKey, signing_keys

HOOK_TARGETS = Resource(GROUP, VERSION, "hooktargets")

HOLDER = "HookTarget"
TARGET_FORBIDDEN = "HookTargetForbidden"
TARGET_NOT_FOUND = "HookTargetNotFound"
TARGET_UNUSABLE = "HookTargetUnusable"
NOT_DELIVERED = "HookNotDelivered"


class HookProblem(Exception):
    """Why a hook cannot be told now. reason: of the condition. message: a sentence without a full stop, in which there
    is no secret and no address. wait_seconds: how long the receiver asks to be left alone."""

    def __init__(self, reason: str, message: str, wait_seconds: float = 0.0) -> None:
        self.reason, self.message, self.wait_seconds = reason, message, wait_seconds
        super().__init__(message)


@dataclass(frozen=True, slots=True, repr=False)
class Channel:
    """Where and how a hook is told. url: may be a secret. keys: to sign with. allowed: private networks that the admin
    allows. tls: how the receiver's certificate is checked."""

    target: str
    spec: HookTargetSpec
    url: str
    keys: tuple[bytes, ...]
    allowed: tuple[Network, ...]
    tls: ssl.SSLContext

    def __repr__(self) -> str:
        return f"Channel({self.target})"


async def channel_to(cluster: Cluster, secrets: SecretReader, name: str, namespace: str) -> Channel:
    """The channel to the HookTarget of this name for a policy of this namespace. Raises HookProblem."""
    spec = await _target(cluster, name)
    if spec.namespaces is not None and namespace not in spec.namespaces:
        what = f"HookTarget {name} takes nothing from namespace {namespace}; ask the cluster's admin to add it there"
        raise HookProblem(TARGET_FORBIDDEN, what)
    references = {"urlRef": spec.url_ref, "signingRef": spec.signing_ref, "caRef": spec.ca_ref}
    try:
        values = await secrets.values({field: each for field, each in references.items() if each is not None}, HOLDER)
    except MetricsFailure as failure:
        raise HookProblem(TARGET_UNUSABLE, f"HookTarget {name}: {failure.message}") from None
    return Channel(
        target=name,
        spec=spec,
        url=_url(name, spec, values.get("urlRef")),
        keys=_keys(name, spec.signing_ref, values.get("signingRef")),
        allowed=tuple(ipaddress.ip_network(each, strict=False) for each in spec.allow_networks or ()),
        tls=_tls(name, spec.ca_ref, values.get("caRef")),
    )


async def _target(cluster: Cluster, name: str) -> HookTargetSpec:
    try:
        manifest = await cluster.get(HOOK_TARGETS, None, name)
    except ClusterError as error:
        raise HookProblem(TARGET_UNUSABLE, f"HookTarget {name} cannot be read: {error}") from None
    if manifest is None:
        what = f"there is no HookTarget {name}; ask the cluster's admin to create it, or name another one"
        raise HookProblem(TARGET_NOT_FOUND, what)
    try:
        spec = HookTargetSpec.model_validate(manifest["spec"])
        for each in spec.allow_networks or ():
            ipaddress.ip_network(each, strict=False)
    except ValueError as error:  # pydantic's is one
        what = (
            "its spec is not that of a HookTarget"
            if isinstance(error, ValidationError)
            else "allowNetworks holds something that is no network; write each as 203.0.113.0/24"
        )
        raise HookProblem(TARGET_UNUSABLE, f"HookTarget {name} cannot be used: {what}") from None
    return spec


def _url(name: str, spec: HookTargetSpec, secret: bytes | None) -> str:
    text = spec.url if secret is None else secret.strip().decode("ascii", errors="replace")
    try:
        parts = urlsplit(text or "")
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_usable = False
    if not is_usable or not text or not text.isascii() or not text.isprintable() or " " in text or "@" in parts.netloc:
        what = "its address is not usable; write https:// with a host, and no credentials"
        raise HookProblem(TARGET_UNUSABLE, f"HookTarget {name} cannot be used: {what}")
    if parts.scheme == "http" and not spec.allow_http:
        what = "its address is http, and allowHttp is not true; write https"
        raise HookProblem(TARGET_UNUSABLE, f"HookTarget {name} cannot be used: {what}")
    return text


def _keys(name: str, reference: SecretKey | None, value: bytes | None) -> tuple[bytes, ...]:
    if reference is None or value is None:
        return ()
    try:
        return signing_keys(value)
    except UnusableKey as error:
        what = f"key {reference.key} of Secret {reference.name} {error}"
        raise HookProblem(TARGET_UNUSABLE, f"HookTarget {name} cannot sign: {what}") from None


def _tls(name: str, reference: SecretKey | None, authority: bytes | None) -> ssl.SSLContext:
    if authority is None:
        return tls_context("System")
    try:
        return ssl.create_default_context(cadata=authority.decode())
    except (ssl.SSLError, ValueError):
        key = reference.key if reference is not None else ""
        what = f"caRef, key {key}, holds no certificate in PEM"
        raise HookProblem(TARGET_UNUSABLE, f"HookTarget {name} cannot be used: {what}") from None
