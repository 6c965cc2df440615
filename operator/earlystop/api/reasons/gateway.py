"""The reasons of mode GatewayBody, whose settings a gateway writes, with a sentence each, as in `every.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

GATEWAY_PREFLIGHT: Mapping[str, str] = MappingProxyType(
    {
        "GatewayCannotWrite": "The gateway's own objects cannot write a parameter, or not for these paths or on this "
        "route; do what the message says, or write delivery.mode RequestBody.",
        "GatewayBodyDisabled": "The operator may make no objects of gateways; set gatewayBody.enabled in the chart's "
        "values.",
        "GatewayObjectsMissing": "The cluster does not know the gateway's kind, or not in the version that the "
        "operator writes; install the gateway, or a newer release, or write delivery.mode RequestBody.",
    }
)
GATEWAY_FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "GatewayDoesNotWrite": "The operator's own request came through the gateway without a variant's setting in its "
        "body, so no user is led there; look at the status of what the policy owns for the gateway.",
    }
)
GATEWAY_NOTES: Mapping[str, str] = MappingProxyType(
    {
        "SettingsNotWritten": "The weights are in force, and of more than one body in a hundred the gateway left a "
        "setting to the injector behind it; look at its objects, and at how clients write the field.",
    }
)
