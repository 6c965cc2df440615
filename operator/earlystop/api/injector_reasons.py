"""The reasons of policies that an injector delivers, with a sentence each, as in `reasons.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_PREFLIGHT: Mapping[str, str] = MappingProxyType(
    {
        "UnknownKnob": "The engine has no field for a knob of a parameter; write a knob that the message names, or "
        "paths with fields of your own.",
        "FieldWrittenTwice": "Two parameters write the same field of a body; write each field by one parameter.",
        "InjectorDisabled": "The operator may run no injectors, which delivery.mode RequestBody needs; set "
        "injector.enabled in the chart's values.",
        "UpstreamUnfit": "An injector cannot send on to the Service to which the route leads; give the target one rule "
        "with one Service that has an address, and a port of plain HTTP.",
    }
)
_FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "NeedsServerFlag": "The engine refuses requests with a variant's setting and takes them without, so no user "
        "gets it; start the engine with the flag that its words ask for, or try another setting.",
        "FieldUnknownToEngine": "The engine does not list a field that a variant sets, and would ignore it; correct "
        "parameters[].body, or requestBody.engine.",
        "InjectorNotReady": "Too few of the injector's Pods are ready, so all requests go by your own route until more "
        "are; look at the Pods of its Deployment.",
    }
)
_NOTES: Mapping[str, str] = MappingProxyType(
    {
        "NeverApplied": "The weights are in force, and the settings change hardly any request's body, so the variants "
        "are alike; try a setting that is stricter than what clients ask for themselves.",
    }
)


def injector_rows(
    preflight: tuple[str, ...], faults: tuple[str, ...], notes: tuple[str, ...]
) -> tuple[tuple[tuple[str, ...], Mapping[str, str]], ...]:
    """The rows of the table in `reasons.py`, given where reasons of each kind are said."""
    return ((preflight, _PREFLIGHT), (faults, _FAULTS), (notes, _NOTES))
