"""The HookTarget: where a policy's hooks may send. Cluster-scoped, because its writer is trusted with addresses."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.source import SecretKey
from earlystop.api.values import NamespaceName, Value, rules

Cidr = Annotated[str, Field(max_length=43, pattern=r"^[0-9A-Fa-f.:]+/[0-9]{1,3}$")]


class HookTargetSpec(Value):
    """One receiver of webhooks, and who may send there."""

    model_config = rules(
        {
            "rule": "has(self.url) != has(self.urlRef)",
            "message": "url, urlRef: write one of the two; urlRef keeps an address secret that lets anybody post",
        },
        {
            "rule": "!has(self.url) || self.template == 'CloudEvents'",
            "message": "url: whoever knows the address of a Slack or Teams webhook can post there; keep it in a Secret "
            "and write urlRef",
        },
        {
            "rule": "!has(self.url) || url(self.url).getHost() != ''",
            "message": "url: write https:// with a host, for example https://hooks.example.com/earlystop",
        },
        {
            "rule": "!has(self.url) || url(self.url).getScheme() == 'https' || self.allowHttp",
            "message": "url: write https://, or allowHttp: true where anybody on the way may read and change what is "
            "sent",
        },
        {
            "rule": "!has(self.url) || !self.url.contains('@')",
            "message": "url: credentials do not belong in an address; write urlRef",
        },
        {
            "rule": "has(self.signingRef) || self.template != 'CloudEvents'",
            "message": "signingRef: name the Secret with the key that events are signed with, so that the receiver "
            "knows who sent them",
        },
    )

    url: Annotated[str, Field(max_length=1024, pattern=r"^https?://")] | None = Field(
        None, description="Where events are posted."
    )
    url_ref: SecretKey | None = Field(
        None, description="The same, kept in a Secret of the operator's namespace: for addresses that are a secret."
    )
    template: Literal["CloudEvents", "Slack", "Teams"] = Field(
        "CloudEvents",
        description="Shape of what is posted. CloudEvents: version 1.0, structured JSON. Slack: an incoming webhook's "
        "message. Teams: a message with an Adaptive Card, as workflows take it.",
    )
    signing_ref: SecretKey | None = Field(
        None,
        description="Key of at least 24 bytes that events are signed with by HMAC SHA-256 (Standard Webhooks); "
        "whsec_ before it says that it is base64. Several lines are several keys, for a change of keys.",
    )
    ca_ref: SecretKey | None = Field(None, description="Authority that signs the receiver's certificate.")
    namespaces: Annotated[tuple[NamespaceName, ...], Field(min_length=1, max_length=64)] | None = Field(
        None, description="Namespaces whose policies may send here. Absent: all."
    )
    allow_http: bool = Field(False, description="Lets the address be http, which anybody on the way can read.")
    allow_networks: Annotated[tuple[Cidr, ...], Field(max_length=16)] | None = Field(
        None,
        description="Private networks to which the receiver's name may resolve. Any other address that is not public "
        "is refused when the connection is made; a cloud's metadata service always.",
    )
    timeout_seconds: int = Field(10, ge=1, le=60, description="Longest wait for one answer.")
    retry_seconds: int = Field(
        3600,
        ge=0,
        le=86_400,
        description="How long after it happened an occurrence is tried again; it is tried at least three times. Those "
        "after it wait, so that they arrive in order.",
    )
