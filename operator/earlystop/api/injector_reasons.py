"""The reasons of policies that an injector delivers, with a sentence each, as in `reasons.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

INJECTOR_PREFLIGHT: Mapping[str, str] = MappingProxyType(
    {
        "InjectorDisabled": "The operator may run no injectors, which delivery.mode RequestBody needs; set "
        "injector.enabled in the chart's values.",
        "UpstreamUnfit": "An injector cannot send on to the Service to which the route leads; give the target one rule "
        "with one Service that has an address, and a port of plain HTTP.",
    }
)
INJECTOR_FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "NeedsServerFlag": "The engine refuses requests with a variant's setting and takes the baseline's, so no user "
        "gets it; start the engine with the flag that its words ask for, or try another setting.",
        "FieldUnknownToEngine": "The engine does not list a field that a variant sets, and would ignore it; correct "
        "parameters[].body, or requestBody.engine.",
        "InjectorNotReady": "Too few of the injector's Pods are ready, so all requests go by your own route until more "
        "are; look at the Pods of its Deployment.",
    }
)
