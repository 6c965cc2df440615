"""What a policy may name that this release cannot do yet, in one table.

The API server refuses it by rules that are generated from the table, `kubectl explain` says so, and the operator
refuses objects that were stored before there was such a rule. All three say the same sentence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from earlystop.api.modes import built_modes
from earlystop.api.presets import IMPOSSIBLE, PRESETS_FOR_SHARED_PODS, usable_presets

NOT_BUILT = "NotBuilt"
VALUE = "{value}"
"""Stands in a message for what the policy has written."""

LONGEST_NAME = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class UnbuiltPart:
    """A part of a policy's spec that this release cannot carry out, or of whose values it can carry out some.

    path: where it stands below `spec`, as people write it. built: the values that can be carried out; none where the
    whole field cannot. message: what to write instead. own: sentences of values that have one of their own. reason: of
    the condition Accepted.
    """

    path: tuple[str, ...]
    message: str
    built: tuple[str, ...] = ()
    own: Mapping[str, str] = field(default_factory=dict)
    reason: str = NOT_BUILT

    def refuses(self, spec: Mapping[str, Any]) -> str | None:
        """The sentence against a spec, as it stands in the policy, that asks for this part; None where it does not."""
        value: Any = spec
        for name in self.path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is None or value in self.built:
            return None
        return self.own.get(str(value), self.message).replace(VALUE, str(value))

    @property
    def rule(self) -> dict[str, str]:
        """The CEL rule on the field, with the same sentence; no rule's message has a full stop at its end."""
        message = self.message.removesuffix(".")
        if not self.built:
            return {"rule": "false", "message": message}
        before, *after = (json.dumps(part) for part in message.split(VALUE))
        expression = " + self + ".join((before, *after))
        for value, sentence in self.own.items():
            expression = f"self == {json.dumps(value)} ? {json.dumps(sentence.removesuffix('.'))} : {expression}"
        return {"rule": f"self in {json.dumps(self.built)}", "messageExpression": expression}

    @property
    def remark(self) -> str:
        """What `kubectl explain` says of the field, and of all below it."""
        if not self.built:
            return "Not built yet, and refused:"
        return f"This release takes {', '.join(self.built)}."


def unbuilt_parts() -> tuple[UnbuiltPart, ...]:
    """Every part that is not built; a mode or a preset that has its row is found there."""
    modes, presets = tuple(sorted(built_modes())), usable_presets()
    return (
        UnbuiltPart(
            path=("delivery", "mode"),
            built=modes,
            message=f"delivery.mode {VALUE} is none that this release can deliver by; write one of {', '.join(modes)}.",
        ),
        UnbuiltPart(
            path=("metrics", "preset"),
            built=presets,
            reason="VariantsNotTold",
            message=f"metrics.preset {VALUE} cannot tell variants apart that share Pods, as they do in every "
            f"delivery.mode of this release. Write one of {', '.join(PRESETS_FOR_SHARED_PODS)}: Custom counts by the "
            "MetricSource's templates, from counters that carry a label for the variant.",
            own={name: f"{why}." for name, why in IMPOSSIBLE.items()},
        ),
    )


def refusing(schema: dict[str, Any]) -> dict[str, Any]:
    """The structural schema of a policy's spec, which now refuses every unbuilt part and says so in descriptions.

    Values that are not built are offered by no enum. Raises KeyError for a path that the schema does not have.
    """
    schema = deepcopy(schema)
    for part in unbuilt_parts():
        node = schema
        for name in part.path:
            node = node["properties"][name]
        node["x-kubernetes-validations"] = [part.rule, *node.get("x-kubernetes-validations", [])]
        if part.built:
            node.pop("enum", None)
            node["maxLength"] = LONGEST_NAME
            node["description"] = f"{node['description']} {part.remark}"
        else:
            _mark(node, part.remark)
    return schema


def _mark(node: dict[str, Any], remark: str) -> None:
    if "description" in node:
        node["description"] = f"{remark} {node['description']}"
    for child in (*node.get("properties", {}).values(), *([node["items"]] if "items" in node else [])):
        _mark(child, remark)
