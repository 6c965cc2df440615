"""The reasons of policies that an injector delivers, with a sentence each, as in `every.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from earlystop.api.reasons.gateway import GATEWAY_FAULTS, GATEWAY_NOTES, GATEWAY_PREFLIGHT

_PREFLIGHT: Mapping[str, str] = MappingProxyType(
    {
        "UnknownKnob": "The engine has no field for a knob of a parameter; write a knob that the message names, or "
        "paths with fields of your own.",
        "FieldWrittenTwice": "Two parameters write the same field of a body; write each field by one parameter.",
        "FieldNeverReached": "No request to delivery.paths has a field for a parameter, so it would never be written; "
        "write a path of an API that has it.",
        "AnswersNotScored": "Nobody scores live answers behind an injector, so no promotion could ever come; write "
        "exactMatch.evidence: Pairs and ask golden questions.",
        "BackendKindUnfit": "The route leads to a backend that is no Service, such as an InferencePool; point a "
        "backendRef at a Service, or write mode RequestBody where the operator may lead to pools. A sidecar that draws "
        "the variant in the Pods needs no route.",
        "PoolNotFound": "The route leads to an InferencePool that does not exist; create it, or correct the "
        "backendRef.",
        "InjectorDisabled": "The operator may run no injectors, which this delivery.mode needs; set "
        "injector.enabled in the chart's values.",
        "UpstreamUnfit": "An injector cannot send on to where the route leads, or to serviceRef; give the target one "
        "rule with one Service, or name one of its Pods. That Service needs an address, a port of plain HTTP, and no "
        "session affinity or other choice by caller. Before an InferencePool, the route has an http listener "
        "and rewrites no path.",
    }
)
_FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "NeedsServerFlag": "The engine refuses requests with a variant's setting and takes them without, so no user "
        "gets it; start the engine with the flag that its words ask for, or try another setting.",
        "FieldUnknownToEngine": "The engine does not list a field that a variant sets, and would ignore it; correct "
        "parameters[].body, or requestBody.engine.",
        "InjectorNotReady": "Too few of the injector's Pods are ready, so all requests go by your own route, or "
        "straight to the engine, until more are; look at the Pods of its Deployment.",
    }
)
_NOTES: Mapping[str, str] = MappingProxyType(
    {
        "NeverApplied": "The weights are in force, and the candidate's settings change hardly any request's body, so "
        "its requests are as clients send them; try a setting that is stricter than what clients ask for themselves.",
    }
)


def injector_rows(
    preflight: tuple[str, ...], faults: tuple[str, ...], notes: tuple[str, ...]
) -> tuple[tuple[tuple[str, ...], Mapping[str, str]], ...]:
    """The rows of the table in `every.py`, given where reasons of each kind are said."""
    return (
        *((preflight, _PREFLIGHT), (faults, _FAULTS), (notes, _NOTES)),
        *((preflight, GATEWAY_PREFLIGHT), (faults, GATEWAY_FAULTS), (notes, GATEWAY_NOTES)),
    )
