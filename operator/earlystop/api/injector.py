"""What a policy says of the injector that the operator runs for it, and how many of its Pods must be ready."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.values import NamespaceName, ObjectName, Value, rules

# Bounded, since a policy's author need not have the right to run Pods; the chart's admission policy of injectors bounds
# them as well. As the API server spells it: it would write 1000m as 1, and the operator would take that for an edit.
Cpu = Annotated[str, Field(min_length=1, max_length=4, pattern=r"^([1-9][0-9]{0,2}m|[12])$")]
Memory = Annotated[str, Field(min_length=3, max_length=6, pattern=r"^([1-9][0-9]{2,3}Mi|[1-9]Gi)$")]

# A token of RFC 9110, as headers and cookies are named.
TokenName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9!#$%&'*+.^_|~-]+$")]


class ServicePort(Value):
    """A Service in the policy's namespace, and one of its ports."""

    name: ObjectName = Field(description="Name of the Service before the engine. It is read, never changed.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(description="One of its ports, of plain HTTP/1.1.")


class UserKey(Value):
    """What tells whose request one is, where the injector draws the variant."""

    model_config = rules(
        {
            "rule": "(self.kind == 'ApiKey') != has(self.name)",
            "message": "requestBody.userKey: write the name of the header or cookie, and none with kind ApiKey",
        }
    )

    kind: Literal["Header", "Cookie", "ApiKey"] = Field(
        description="Header and Cookie: the one of this name. ApiKey: the client's key, as OpenAI's API "
        "(authorization) and Anthropic's (x-api-key) have it. It is hashed, and stands in no log and no counter."
    )
    name: TokenName | None = Field(None, description="Name of the header or cookie.")


class InjectorResources(Value):
    """What each of the injector's Pods asks for."""

    cpu: Cpu = Field("100m", description="Request for CPU, as 250m, at most 2; there is no limit. A process uses one.")
    memory: Memory = Field("512Mi", description="Limit of memory, as 512Mi or 2Gi; at most 9Gi.")

    @property
    def canonical_memory(self) -> str:
        """The limit of memory as the API server spells it: 1Gi for 1024Mi."""
        number, unit = int(self.memory[:-2]), self.memory[-2:]
        return f"{number // 1024}Gi" if unit == "Mi" and number % 1024 == 0 else self.memory


class InjectorSpec(Value):
    """The injector's Pods. Their image is the operator's, by a setting of the operator and not of a policy."""

    replicas: Annotated[int, Field(ge=1, le=16)] = Field(
        2, description="Number of Pods, at most 16. With one, users go by their own route while it is replaced."
    )
    resources: InjectorResources = Field(InjectorResources(), description="What each Pod asks for.")
    gateway_namespaces: Annotated[tuple[NamespaceName, ...], Field(min_length=1, max_length=8)] | None = Field(
        None,
        description="Namespaces of the gateways' Pods: a NetworkPolicy lets no others send requests to the injector. "
        "Where none are written, all may.",
    )
