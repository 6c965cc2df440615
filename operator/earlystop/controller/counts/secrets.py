"""What a MetricSource's references stand for: keys of Secrets in the operator's own namespace, and of no other.

The values live in `Credentials` and nowhere else: no message, log line or repr holds one.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from earlystop.api.source import SecretKey, SourceSpec
from earlystop.controller.cluster import Cluster, ClusterError, Manifest
from earlystop.controller.resources import SECRETS as SECRETS
from earlystop.metrics.source.failures import FailureKind, MetricsFailure

POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
NAMESPACE_VARIABLE = "EARLYSTOP_NAMESPACE"
DEFAULT_NAMESPACE = "earlystop-system"
# A look waits for this; an API that does not answer must not hold it up for long.
PATIENCE_SECONDS = 3.0


def own_namespace(file: Path = POD_NAMESPACE, environment: Mapping[str, str] = os.environ) -> str:
    """The namespace that the operator runs in: its Pod's, else what EARLYSTOP_NAMESPACE says."""
    try:
        found = file.read_text().strip()
    except OSError:
        found = ""
    return found or environment.get(NAMESPACE_VARIABLE, "") or DEFAULT_NAMESPACE


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What a source wants to see. token, login: text for a header; authority, certificate, key: PEM, empty if none."""

    token: str = ""
    login: tuple[str, str] | None = None
    authority: bytes = b""
    certificate: bytes = b""
    key: bytes = b""

    def __repr__(self) -> str:
        return "Credentials(not shown)"


class SecretReader:
    """Reads Secrets of one namespace, by name; it never lists or watches them."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self.namespace = namespace

    async def credentials(self, source: SourceSpec) -> Credentials:
        """Everything that a source refers to, as it is now.

        Raises MetricsFailure: SecretNotFound, SecretForbidden, SecretUnreadable (the API does not answer) or
        SecretUnusable (the value cannot be what the reference says).
        """
        tls = source.tls
        if tls is not None and (tls.certificate_ref is None) != (tls.key_ref is None):
            what = "the MetricSource names only one of tls.certificateRef and tls.keyRef, which belong together"
            raise MetricsFailure(FailureKind.SECRET_UNUSABLE, what)
        fields = {
            "auth.secretRef": source.auth.secret_ref if source.auth else None,
            "tls.caRef": tls.ca_ref if tls else None,
            "tls.certificateRef": tls.certificate_ref if tls else None,
            "tls.keyRef": tls.key_ref if tls else None,
        }
        values = await self.values({field: reference for field, reference in fields.items() if reference is not None})
        auth = values.get("auth.secretRef")
        bearer = source.auth is not None and source.auth.type == "Bearer"
        return Credentials(
            token=self._token(auth, fields["auth.secretRef"]) if bearer else "",
            login=self._login(auth, fields["auth.secretRef"]) if source.auth is not None and not bearer else None,
            authority=values.get("tls.caRef", b""),
            certificate=values.get("tls.certificateRef", b""),
            key=values.get("tls.keyRef", b""),
        )

    async def values(self, references: Mapping[str, SecretKey], holder: str = "MetricSource") -> dict[str, bytes]:
        """What references stand for, by the field that each stands in. holder: the kind of the object that has these
        fields. Raises MetricsFailure as `credentials`."""
        secrets = {name: await self._get(name) for name in sorted({each.name for each in references.values()})}
        return {field: self._value(secrets[each.name], field, each, holder) for field, each in references.items()}

    async def _get(self, name: str) -> Manifest | None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._cluster.get(SECRETS, self.namespace, name)
        except TimeoutError:
            problem, kind = "the Kubernetes API does not answer", FailureKind.SECRET_UNREADABLE
        except ClusterError as error:
            kind = FailureKind.SECRET_FORBIDDEN if error.status in (401, 403) else FailureKind.SECRET_UNREADABLE
            problem = f"the Kubernetes API answers {error.status}" if error.status else "the Kubernetes API is away"
        raise MetricsFailure(kind, f"Secret {name} in namespace {self.namespace} cannot be read: {problem}")

    def _value(self, secret: Manifest | None, field: str, reference: SecretKey, holder: str) -> bytes:
        missing = (
            f"key {reference.key} in Secret {reference.name}" if secret is not None else f"Secret {reference.name}"
        )
        text = (secret or {}).get("data", {}).get(reference.key)
        if text is None:
            wanted = "" if secret is not None else f" with the key {reference.key}"
            what = f"{field} needs a {missing}{wanted} in namespace {self.namespace}, and there is none"
            raise MetricsFailure(FailureKind.SECRET_NOT_FOUND, what, holder)
        try:
            value = base64.b64decode(text)
        except (binascii.Error, ValueError):
            value = b""
        if not value.strip():
            raise self.unusable(reference, "is empty", holder)
        return value

    def _token(self, value: bytes | None, reference: SecretKey | None) -> str:
        assert value is not None and reference is not None  # read for a source with auth
        text = value.strip().decode("ascii", errors="replace")
        if not text.isascii() or not text.isprintable() or " " in text:
            raise self.unusable(reference, "is no bearer token: one line of ASCII without spaces or a leading Bearer")
        return text

    def _login(self, value: bytes | None, reference: SecretKey | None) -> tuple[str, str]:
        assert value is not None and reference is not None  # read for a source with auth
        text = value.strip(b"\r\n").decode(errors="replace")
        user, colon, password = text.partition(":")
        if not colon or not user or "\ufffd" in text or not text.isprintable():
            raise self.unusable(reference, "does not read user:password in one line")
        return user, password

    def unusable(self, reference: SecretKey, what: str, holder: str = "MetricSource") -> MetricsFailure:
        """The failure of a value that cannot be used; `what` says why, and nothing of the value."""
        place = f"key {reference.key} of Secret {reference.name} in namespace {self.namespace}"
        return MetricsFailure(FailureKind.SECRET_UNUSABLE, f"{place} {what}", holder)
