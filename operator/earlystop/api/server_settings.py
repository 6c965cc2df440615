"""Settings of delivery modes without a route: servers read what the operator writes, and split requests themselves."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.values import ObjectName, Value

# As Kubernetes has keys of a ConfigMap, but for `..`, which the kubelet needs for itself.
DATA_KEY_PATTERN = r"^([A-Za-z0-9_-]|[.][A-Za-z0-9_-])[A-Za-z0-9._-]*$"
DataKey = Annotated[str, Field(min_length=1, max_length=253, pattern=DATA_KEY_PATTERN)]
FlagKey = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")]


class ReadByServers(Value):
    """What all modes have in common in which servers read their settings and draw the variant themselves."""

    name: ObjectName = Field(
        description="Name of the object, which exists in the policy's namespace and has the label "
        "earlystop.dev/settings=true."
    )
    drawn_by: Literal["Request", "User"] = Field(
        "Request",
        description="What is hashed to a variant. Request: each request for itself. User: who asks, so that each user "
        "keeps a variant for as long as the weights allow; the server says whose requests are whose, since answers of "
        "one user are alike.",
    )


class ConfigMapKey(ReadByServers):
    """A key of a ConfigMap that the servers mount. The operator writes this key and nothing else of the object."""

    key: DataKey = Field("settings.json", description="The key to write, which nobody else writes.")


class FeatureFlagEntry(ReadByServers):
    """A flag of a FeatureFlag (core.openfeature.dev/v1beta1). The operator writes this flag and nothing else of it."""

    flag: FlagKey = Field("earlystop", description="The flag to write, which nobody else writes.")
